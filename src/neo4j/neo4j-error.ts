import { ConfigError, type ErrorCode, type GraphweftError, WriteError } from '../core/errors.ts';
import { shownAddress } from '../core/secrets.ts';
import { Neo4jError } from './driver.ts';
import { isConnectionError } from './retry-rules.ts';

/** Where a statement was to run. */
export interface ErrorPlace {
  /** Shown without credentials. */
  readonly uri: string;
  readonly username?: string | undefined;
  /** How it was entered; by password where this is not set. */
  readonly auth?: { readonly scheme?: string } | object | undefined;
  readonly database?: string | undefined;
  /** Said when the server does not answer. */
  readonly hint?: string | undefined;
}

/** Makes one clear sentence with a code from an error of the driver; other errors pass as they are. */
export function clearNeo4jError(error: unknown, place: ErrorPlace): Error {
  const { username, auth, database, hint } = place;
  const uri = shownAddress(place.uri);
  if (!(error instanceof Neo4jError)) return tlsFileError(error) ?? asError(error);
  const reason = firstSentence(error.message);
  const where = `the server at ${uri}`;
  const make = (code: ErrorCode, message: string, Class: typeof GraphweftError = WriteError) =>
    new Class(code, message, { cause: error, details: { neo4jCode: error.code, uri } });
  const { code } = error;
  if (isConnectionError(error)) {
    return make(
      'GW_NEO4J_UNAVAILABLE',
      `No answer from ${where}: ${connectionReason(error)}. Is it running, and is NEO4J_URI right?${hint ? ` (${hint})` : ''}`,
    );
  }
  if (
    /^Neo\.ClientError\.Security\.(Unauthorized|AuthenticationRateLimit|CredentialsExpired|TokenExpired)/.test(
      code,
    )
  ) {
    if (auth && !('scheme' in auth && auth.scheme === 'basic')) {
      const message = `The server at ${uri} lets nobody in with this token or certificate: check the variables of the way to sign in that is set. (${reason})`;
      return make('GW_NEO4J_AUTH', message, ConfigError);
    }
    const who = username ? ` for user "${username}"` : '';
    return make(
      'GW_NEO4J_AUTH',
      `Wrong credentials${who} at ${uri}: check NEO4J_USERNAME and NEO4J_PASSWORD. (${reason})`,
      ConfigError,
    );
  }
  if (/Database\.(DatabaseNotFound|UnableToStartDatabase)|DatabaseUnavailable/.test(code)) {
    const name = database ? `Database "${database}"` : 'The default database';
    return make('GW_NEO4J_DATABASE', `${name} is not available on ${where}: ${reason}`, ConfigError);
  }
  if (database?.toLowerCase() === 'system' && code.endsWith('.Statement.SemanticError')) {
    const message = `Database "system" takes administration commands alone; name another one, most often in NEO4J_DATABASE. (${reason})`;
    return make('GW_NEO4J_DATABASE', message, ConfigError);
  }
  const isUnknown = /Procedure\.ProcedureNotFound/.test(code) || /^Unknown function/.test(error.message);
  if (isUnknown && /\bgds\./.test(reason)) {
    const message = `The Graph Data Science library is not installed on ${where} (${reason})`;
    return make('GW_GDS_MISSING', message, ConfigError);
  }
  if (
    /Statement\.(SyntaxError|SemanticError|ParameterMissing|AccessMode|UnsupportedAdministration)/.test(code)
  ) {
    return make('GW_NEO4J_SYNTAX', `The statement is refused: ${error.message.trim()}`, ConfigError);
  }
  if (/Schema\.(ConstraintValidationFailed|ConstraintViolation)/.test(code)) {
    return make('GW_NEO4J_CONSTRAINT', `A row breaks a constraint: ${reason}`);
  }
  if (/TransactionTimedOut|TransactionTerminated|Transaction\.Terminated|LockClientStopped/.test(code)) {
    return make(
      'GW_NEO4J_TIMEOUT',
      `A transaction was ended by its time limit or by an administrator: ${reason}`,
    );
  }
  return make('GW_NEO4J_WRITE', `Neo4j refused a write: ${reason} (${code})`);
}

/** What is wrong with a file for TLS comes from Node itself, without a word of which file was meant. */
function tlsFileError(error: unknown): ConfigError | undefined {
  const { code, syscall, message } = asError(error) as NodeJS.ErrnoException;
  if (!code?.startsWith('ERR_OSSL') && syscall !== 'open') return undefined;
  const files =
    'NEO4J_CLIENT_CERTIFICATE, NEO4J_CLIENT_KEY and its password, NEO4J_DRIVER_TRUSTED_CERTIFICATES';
  return new ConfigError(
    'GW_CONFIG_OPTION',
    `A certificate or a key cannot be used: ${firstSentence(message)}; see ${files}.`,
    { cause: error },
  );
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** What broke, without the driver's general advice before it; of a cluster the first server's. */
function connectionReason({ message, cause }: Neo4jError): string {
  const [, broken] = /Caused by: (.*)/.exec(`${message}\n${asError(cause).message}`) ?? [];
  return firstSentence(broken ?? message);
}

/** The first line; one that only announces what follows, with the next. */
function firstSentence(message: string): string {
  const [first = ''] = /^.*?(?:: *\n.*|$)/m.exec(message.trim()) ?? [];
  return first.replace(/\s+/g, ' ').trim().replace(/\.$/, '');
}
