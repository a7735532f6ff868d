import { SECRET_VARIABLES } from '../core/secrets.ts';
import { DRIVER_OPTIONS, DRIVER_PREFIX, driverVariable } from './driver-options.ts';

/** A variable that graphweft reads. */
export interface Setting {
  readonly name: string;
  /** In one sentence, with the unit. */
  readonly meaning: string;
  /** As people would write it; undefined where there is none. */
  readonly byDefault?: string;
  readonly isSecret: boolean;
}

/** Of driver options that have another default than the driver's. */
const OWN_DEFAULTS: Readonly<Record<string, string>> = {
  encrypted: 'by the address',
  userAgent: 'graphweft',
  logging: 'off',
};

const ALL: readonly Omit<Setting, 'isSecret'>[] = [
  { name: 'NEO4J_URI', meaning: 'address of the database', byDefault: 'the embedded server of this folder' },
  { name: 'NEO4J_USERNAME', meaning: 'user', byDefault: 'neo4j' },
  { name: 'NEO4J_PASSWORD', meaning: 'password' },
  { name: 'NEO4J_DATABASE', meaning: 'database on the server', byDefault: "the user's home database" },
  { name: 'NEO4J_CLIENT_ID', meaning: 'OAuth2 client' },
  { name: 'NEO4J_CLIENT_SECRET', meaning: 'its secret' },
  { name: 'NEO4J_TOKEN_URL', meaning: 'where it gets its tokens' },
  { name: 'NEO4J_SCOPE', meaning: 'scope of the tokens' },
  { name: 'NEO4J_BEARER_TOKEN', meaning: 'a ready token' },
  { name: 'NEO4J_KERBEROS_TICKET', meaning: 'a Kerberos ticket, base64' },
  { name: 'NEO4J_CLIENT_CERTIFICATE', meaning: "file of the client's certificate (mutual TLS)" },
  { name: 'NEO4J_CLIENT_KEY', meaning: 'file of its key' },
  { name: 'NEO4J_CLIENT_KEY_PASSWORD', meaning: 'password of the key' },
  { name: 'SQL_URI', meaning: 'address of the SQL database' },
  { name: 'REPORTER_DATABASE', meaning: 'database that keeps runs', byDefault: 'none' },
  {
    name: 'GRAPHWEFT_REPORTER',
    meaning: 'what shows a run: auto, terminal, plain, log or none',
    byDefault: 'auto',
  },
  { name: 'GRAPHWEFT_NEO4J_DATA', meaning: 'folder of the embedded server', byDefault: '.graphweft/neo4j' },
  { name: 'GRAPHWEFT_INSTRUMENT', meaning: 'csv: write timed events to a file', byDefault: 'none' },
  { name: 'GRAPHWEFT_INSTRUMENT_PATH', meaning: 'that file', byDefault: 'graphweft-events.csv' },
  { name: 'GRAPHWEFT_INSTRUMENT_SAMPLING', meaning: 'share of the events, above 0 to 1', byDefault: '1' },
  { name: 'GRAPHWEFT_DEBUG', meaning: '1: errors with their stacks', byDefault: 'off' },
  ...Object.entries(DRIVER_OPTIONS).map(([option, { expects }]) => ({
    name: driverVariable(option),
    meaning: `the driver's ${option}: ${expects}`,
    byDefault: OWN_DEFAULTS[option] ?? "the driver's",
  })),
];

/** Every variable; `docs/configuration.md` holds the same, and a test compares the two. */
export const SETTINGS: readonly Setting[] = ALL.map((setting) => ({
  ...setting,
  isSecret: SECRET_VARIABLES.has(setting.name),
}));

export { DRIVER_PREFIX };
