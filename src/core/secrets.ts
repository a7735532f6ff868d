/** What must never be shown, and what of it may be: one place for all messages, reports and child processes. */
import type { Environment } from './context.ts';

/** Variables whose value is a secret, or holds one. */
export const SECRET_VARIABLES: ReadonlySet<string> = new Set([
  'NEO4J_PASSWORD',
  'NEO4J_CLIENT_SECRET',
  'NEO4J_BEARER_TOKEN',
  'NEO4J_KERBEROS_TICKET',
  'NEO4J_CLIENT_KEY_PASSWORD',
  'SQL_URI',
]);

/** Stands for a secret. */
export const HIDDEN = '••••••';

/** Gives an environment for a program that needs none of our secrets. */
export function withoutSecrets(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !SECRET_VARIABLES.has(name)));
}

/**
 * Gives what may be shown of an address: scheme, host, port and path. User, password and what follows `?` or `#` are left
 * out; an address that cannot be taken apart for sure is hidden whole, since a `/`, `?`, `#` or `@` of a password that is
 * not encoded moves the borders.
 */
export function shownAddress(address: string): string {
  if (!/[@?#]/.test(address)) return address;
  const parts = partsOf(address);
  return parts ? `${parts.protocol}//${parts.host}${parts.pathname}` : HIDDEN;
}

/** The same with the user, and a sign that there is a password. */
export function shownAddressWithUser(address: string): string {
  const parts = partsOf(address);
  if (!parts?.password) return shownAddress(address);
  return `${parts.protocol}//${parts.username}:${HIDDEN}@${parts.host}${parts.pathname}`;
}

/** Whether an address holds a user or a password, or looks as if it did. */
export function holdsCredentials(address: string): boolean {
  return address.includes('@');
}

function partsOf(address: string): URL | undefined {
  if (!URL.canParse(address)) return undefined;
  const url = new URL(address);
  return `${url.pathname}${url.search}${url.hash}`.includes('@') ? undefined : url;
}
