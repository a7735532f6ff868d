import { resolve } from 'node:path';
import type { Environment } from '../core/context.ts';
import { CsvEventWriter } from './csv-event-writer.ts';
import { resolveInstrumentOptions } from './instrument-options.ts';
import { hasOpenTelemetryProvider, subscribeOpenTelemetry } from './open-telemetry.ts';

/** Channels are the process's, not a context's: contexts that ask for the same listener share one. */
const SHARED = new Map<string, { readonly close: () => void; users: number }>();

function share(name: string, open: () => () => void): () => void {
  const shared = SHARED.get(name) ?? { close: open(), users: 0 };
  SHARED.set(name, shared);
  shared.users++;
  return () => {
    if (--shared.users > 0) return;
    SHARED.delete(name);
    shared.close();
  };
}

const OPEN_TELEMETRY = 'OpenTelemetry';

/** Holds the listeners that a context's environment and process ask for. */
export class Instruments {
  readonly #env: Environment;
  readonly #warn: (message: string) => void;
  readonly #releases = new Map<string, () => void>();
  #isTelemetryMissing = false;

  constructor(env: Environment, warn: (message: string) => void) {
    this.#env = env;
    this.#warn = warn;
  }

  /**
   * Opens what is asked for and not open yet; gives a promise only where something has to be loaded.
   * @throws {@link ConfigError} `GW_CONFIG_OPTION`, {@link GraphweftError} `GW_INSTRUMENT_FILE`
   */
  prepare(): Promise<void> | undefined {
    this.#openCsv();
    const hasTelemetry = this.#releases.has(OPEN_TELEMETRY) || this.#isTelemetryMissing;
    return hasTelemetry || !hasOpenTelemetryProvider() ? undefined : this.#openTelemetry();
  }

  close(): void {
    for (const release of this.#releases.values()) release();
    this.#releases.clear();
  }

  #openCsv(): void {
    const { kind, sampling, path } = resolveInstrumentOptions(this.#env);
    const name = `csv ${resolve(path)}`;
    if (kind !== 'csv' || this.#releases.has(name)) return;
    const open = () => {
      const onFailure = (error: Error) => this.#warn(`${error.message}; the load goes on without them.`);
      const writer = new CsvEventWriter({ path, sampling, onFailure });
      return () => writer.close();
    };
    this.#releases.set(name, share(name, open));
  }

  async #openTelemetry(): Promise<void> {
    try {
      const api = await import('@opentelemetry/api');
      if (this.#releases.has(OPEN_TELEMETRY)) return; // another task was faster
      this.#releases.set(
        OPEN_TELEMETRY,
        share(OPEN_TELEMETRY, () => subscribeOpenTelemetry(api)),
      );
    } catch (error) {
      this.#isTelemetryMissing = true;
      const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
      this.#warn(
        `An OpenTelemetry provider is set up, but graphweft cannot load @opentelemetry/api (${reason}); ` +
          'install it beside graphweft: npm install @opentelemetry/api',
      );
    }
  }
}
