import type { AuthToken, AuthTokenManager, Config } from 'neo4j-driver';
import type { Environment } from '../core/context.ts';
import { ConfigError } from '../core/errors.ts';
import { holdsCredentials, shownAddress } from '../core/secrets.ts';
import type { Neo4jAddress } from '../neo4j/connection.ts';
import { neo4j } from '../neo4j/driver.ts';
import { findEmbeddedServer } from '../neo4j/embedded/embedded-server.ts';
import { isLoopback } from '../neo4j/loopback.ts';
import { clientCredentialsManager } from '../neo4j/oauth-token-manager.ts';
import { driverOptionsFrom } from './driver-options.ts';

/**
 * Looks up where the database is and how to enter it.
 * @throws {@link ConfigError} `GW_CONFIG_NO_DATABASE`, `GW_NEO4J_AUTH`, and for driver options.
 */
export async function addressFrom(env: Environment): Promise<Neo4jAddress> {
  const database = env.NEO4J_DATABASE || undefined;
  const options = driverOptionsFrom(env);
  const { NEO4J_URI: uri } = env;
  if (uri) {
    if (holdsCredentials(uri)) throw credentialsInUri();
    const username = env.NEO4J_USERNAME || 'neo4j';
    const { config, hint } = encryption(uri, options);
    const warnings = [...encryptionWarnings(uri, config), ...tokenWarnings(env)];
    const certificate = clientCertificate(env);
    return {
      uri,
      username,
      database,
      auth: authFrom(env, uri, username),
      config: { ...config, ...(certificate && { clientCertificate: certificate }) },
      ...(hint && { hint }),
      ...(warnings.length > 0 && { warnings }),
    };
  }
  const server = await findEmbeddedServer({ env });
  if (server) {
    const { username, password } = server;
    return {
      uri: server.uri,
      username,
      auth: neo4j.auth.basic(username, password),
      database,
      config: options,
    };
  }
  throw new ConfigError(
    'GW_CONFIG_NO_DATABASE',
    'No database: set NEO4J_URI and NEO4J_PASSWORD, or start the embedded server with `npx graphweft neo4j start`.',
  );
}

/** The ways to sign in, by the variable that begins each. */
function authFrom(env: Environment, uri: string, username: string): AuthToken | AuthTokenManager {
  const ways: Readonly<Record<string, (value: string) => AuthToken | AuthTokenManager>> = {
    NEO4J_PASSWORD: (password) => neo4j.auth.basic(username, password),
    NEO4J_BEARER_TOKEN: (token) => neo4j.auth.bearer(token),
    NEO4J_KERBEROS_TICKET: (ticket) => neo4j.auth.kerberos(ticket),
    NEO4J_CLIENT_ID: (clientId) =>
      clientCredentialsManager({
        clientId,
        clientSecret: required(env, 'NEO4J_CLIENT_SECRET', 'NEO4J_CLIENT_ID'),
        tokenUrl: tokenUrlFrom(env),
        scope: env.NEO4J_SCOPE || undefined,
      }),
  };
  const set = Object.keys(ways).filter((name) => env[name]);
  const [first, second] = set;
  if (second)
    throw authError(`${first} and ${second} are both set, and only one way to sign in can be used.`);
  if (first) return ways[first]!(env[first]!);
  // Mutual TLS alone can say who we are.
  if (env.NEO4J_CLIENT_CERTIFICATE) return { scheme: 'none', principal: '', credentials: '' };
  throw authError(
    `NEO4J_URI is ${shownAddress(uri)}, but NEO4J_PASSWORD is not set, nor any other way to sign in.`,
  );
}

function tokenUrlFrom(env: Environment): string {
  const url = required(env, 'NEO4J_TOKEN_URL', 'NEO4J_CLIENT_ID');
  if (!holdsCredentials(url)) return url;
  throw authError(
    'NEO4J_TOKEN_URL must hold no user and no password: they belong in NEO4J_CLIENT_ID and NEO4J_CLIENT_SECRET.',
  );
}

function clientCertificate(env: Environment): Config['clientCertificate'] {
  if (!env.NEO4J_CLIENT_CERTIFICATE) return undefined;
  return {
    certfile: env.NEO4J_CLIENT_CERTIFICATE,
    keyfile: required(env, 'NEO4J_CLIENT_KEY', 'NEO4J_CLIENT_CERTIFICATE'),
    ...(env.NEO4J_CLIENT_KEY_PASSWORD && { password: env.NEO4J_CLIENT_KEY_PASSWORD }),
  };
}

/**
 * Encrypts to servers beyond this machine, unless the address or an option says otherwise: the password and all rows
 * would go over the network in clear.
 */
function encryption(uri: string, options: Config): { readonly config: Config; readonly hint?: string } {
  const isPlain = /^(bolt|neo4j):\/\//.test(uri);
  if (!isPlain || options.encrypted !== undefined || isLoopback(uri)) return { config: options };
  return {
    config: { ...options, encrypted: 'ENCRYPTION_ON' },
    hint: 'it is spoken to encrypted, since it is another machine; NEO4J_DRIVER_ENCRYPTED=ENCRYPTION_OFF changes that',
  };
}

/** Says which part of TLS is switched off, to whom it matters: between this machine and itself nobody listens. */
function encryptionWarnings(uri: string, { encrypted, trust }: Config): readonly string[] {
  const shown = shownAddress(uri);
  const isPlain = /^(bolt|neo4j):\/\//.test(uri);
  const isEncrypted = !isPlain || encrypted === true || encrypted === 'ENCRYPTION_ON';
  if (!isEncrypted) {
    if (isLoopback(uri)) return [];
    return [`${shown} is spoken to without encryption: password and rows go over the network in clear.`];
  }
  const unchecked = /^\w+\+ssc:/.test(uri)
    ? '+ssc'
    : trust === 'TRUST_ALL_CERTIFICATES'
      ? `NEO4J_DRIVER_TRUST=${trust}`
      : undefined;
  if (!unchecked) return [];
  return [`The certificate of ${shown} is not checked (${unchecked}): another server could take its place.`];
}

function tokenWarnings({
  NEO4J_CLIENT_ID: clientId,
  NEO4J_TOKEN_URL: url = '',
}: Environment): readonly string[] {
  if (!clientId || !/^http:/i.test(url) || isLoopback(url)) return [];
  return [
    `${shownAddress(url)} is asked for tokens without encryption: NEO4J_CLIENT_SECRET goes over the network in clear.`,
  ];
}

function required(env: Environment, name: string, because: string): string {
  const value = env[name];
  if (value) return value;
  throw authError(`${because} is set, but ${name} is not.`);
}

/** It would have no effect, and end up in logs. */
function credentialsInUri(): ConfigError {
  const message =
    'NEO4J_URI must hold no user and no password: they belong in NEO4J_USERNAME and NEO4J_PASSWORD.';
  return new ConfigError('GW_CONFIG_OPTION', message, { details: { option: 'NEO4J_URI' } });
}

function authError(message: string): ConfigError {
  return new ConfigError('GW_NEO4J_AUTH', message);
}
