import type { AuthTokenManager } from 'neo4j-driver';
import { ConfigError } from '../core/errors.ts';
import { holdsCredentials, shownAddress } from '../core/secrets.ts';
import { neo4j } from './driver.ts';

export interface ClientCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly tokenUrl: string;
  /** Default: none. */
  readonly scope?: string | undefined;
}

/** A token is renewed this long before it expires, or after nine tenths of a short life. */
const RENEW_BEFORE_MS = 60_000;
const RENEW_AFTER_PART = 0.9;
/** A token that does not say how long it lives. */
const DEFAULT_LIFE_S = 300;
const REQUEST_TIMEOUT_MS = 10_000;

/**
 * Signs in with OAuth2 client credentials (RFC 6749, section 4.4): a token is asked for when the first connection needs
 * one and again before it expires, in one request for all that wait.
 *
 * @throws {@link ConfigError} `GW_NEO4J_TOKEN` where the driver asks for the token, never with the secret.
 */
export function clientCredentialsManager(credentials: ClientCredentials): AuthTokenManager {
  return neo4j.authTokenManagers.bearer({
    tokenProvider: async () => {
      const { token, lifeMs } = await requestToken(credentials);
      const life = Math.max(lifeMs * RENEW_AFTER_PART, lifeMs - RENEW_BEFORE_MS);
      return { token: neo4j.auth.bearer(token), expiration: new Date(Date.now() + life) };
    },
  });
}

async function requestToken({
  clientId,
  clientSecret,
  tokenUrl,
  scope,
}: ClientCredentials): Promise<{ readonly token: string; readonly lifeMs: number }> {
  const shown = shownAddress(tokenUrl);
  if (holdsCredentials(tokenUrl))
    throw new ConfigError('GW_NEO4J_TOKEN', `${shown} must hold no user and no password.`);
  const fail = (reason: string, cause?: unknown) =>
    new ConfigError('GW_NEO4J_TOKEN', `${shown} gave no token: ${reason}`, {
      cause,
      details: { tokenUrl: shown },
    });
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...(scope && { scope }) });
  const basic = [clientId, clientSecret].map(encodeURIComponent).join(':');
  let response: Response;
  let text: string;
  try {
    response = await fetch(tokenUrl, {
      method: 'POST',
      body,
      headers: {
        authorization: `Basic ${Buffer.from(basic).toString('base64')}`,
        accept: 'application/json',
      },
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    text = await response.text();
  } catch (cause) {
    const { name, message, cause: inner } = cause as Error;
    const reason = name === 'TimeoutError' ? `no answer within ${REQUEST_TIMEOUT_MS / 1000} s` : message;
    throw fail(inner instanceof Error ? inner.message || reason : reason, cause);
  }
  if (response.status === 400 || response.status === 401)
    throw fail(`it refused NEO4J_CLIENT_ID or NEO4J_CLIENT_SECRET (status ${response.status})`);
  if (!response.ok) throw fail(`status ${response.status}`);
  let answer: { readonly access_token?: unknown; readonly expires_in?: unknown };
  try {
    answer = JSON.parse(text) as typeof answer;
  } catch {
    throw fail('its answer is no JSON');
  }
  if (typeof answer?.access_token !== 'string') throw fail('its answer has no access_token');
  const seconds = Number(answer.expires_in ?? DEFAULT_LIFE_S);
  return { token: answer.access_token, lifeMs: (seconds > 0 ? seconds : DEFAULT_LIFE_S) * 1000 };
}
