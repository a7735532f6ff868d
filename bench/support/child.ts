/** Programs that are measured run as children: a fresh process each, watched from outside, and never for ever. */
import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import { lastWords } from '../../src/neo4j/embedded/server-readiness.ts';
import { endedChildrenCpuSeconds, memoryOf } from './process-figures.ts';

export interface ChildOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Ends the child. */
  readonly signal?: AbortSignal;
  /** A child that runs longer is killed. Default: 30 minutes. */
  readonly timeoutMs?: number;
  /** Whether what it says on stderr is shown at once. Default: it is kept for the error message. */
  readonly showsErrors?: boolean;
}

export interface ChildResult {
  readonly exitCode: number;
  readonly output: string;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** The kernel's peak, as of the last look. */
  readonly peakMb: number;
  /** Resident memory every SAMPLE_MS. */
  readonly samplesMb: readonly number[];
}

const SAMPLE_MS = 100;
const DEFAULT_TIMEOUT_MS = 30 * 60_000;
const KEPT_ERRORS = 4_000;

/** Runs a program to its end; an exit code other than 0 is an error with its last words. */
export function runChild(
  program: string,
  args: readonly string[],
  { env, cwd, signal, timeoutMs = DEFAULT_TIMEOUT_MS, showsErrors = false }: ChildOptions,
): Promise<ChildResult> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const cpuBefore = endedChildrenCpuSeconds();
    const started = performance.now();
    const child = spawn(program, [...args], { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const samplesMb: number[] = [];
    let peakMb = 0;
    let output = '';
    let errors = '';
    let ending: string | undefined;
    const end = (why: string): void => {
      ending ??= why;
      child.kill('SIGKILL');
    };
    const onAbort = () => end('it was interrupted');
    signal?.addEventListener('abort', onAbort, { once: true });
    const timer = setTimeout(() => end(`it took longer than ${timeoutMs / 1000} s`), timeoutMs);
    const sampler = setInterval(() => {
      const memory = child.pid === undefined ? undefined : memoryOf(child.pid);
      if (!memory) return;
      samplesMb.push(memory.nowMb);
      peakMb = Math.max(peakMb, memory.peakMb);
    }, SAMPLE_MS);
    const settle = (): void => {
      clearTimeout(timer);
      clearInterval(sampler);
      signal?.removeEventListener('abort', onAbort);
    };
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString();
    });
    child.stderr.on('data', (data: Buffer) => {
      if (showsErrors) process.stderr.write(data);
      errors = `${errors}${data.toString()}`.slice(-KEPT_ERRORS);
    });
    child.on('error', (error) => {
      settle();
      reject(error);
    });
    child.on('close', (exitCode) => {
      settle();
      const seconds = (performance.now() - started) / 1000;
      const cpuSeconds = endedChildrenCpuSeconds() - cpuBefore;
      if (exitCode === 0 && ending === undefined)
        return resolve({ exitCode, output, seconds, cpuSeconds, peakMb, samplesMb });
      const said = `${output}\n${errors}`.trim().slice(-KEPT_ERRORS);
      if (!showsErrors) process.stderr.write(`${said}\n`);
      reject(
        new Error(`${basename(program)} ended: ${ending ?? `exit code ${exitCode}`}; ${lastWords(said)}`),
      );
    });
  });
}

/** The JSON in the last line that a child printed. */
export function lastJson<T>({ output }: Pick<ChildResult, 'output'>): T {
  const line = output.trim().split('\n').at(-1) ?? '';
  try {
    return JSON.parse(line) as T;
  } catch (cause) {
    throw new Error(`A load printed no result but: ${line.slice(-500)}`, { cause });
  }
}
