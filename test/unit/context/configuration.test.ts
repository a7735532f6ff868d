import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { driverOptionsFrom } from '../../../src/context/driver-options.ts';
import { loadEnvironment } from '../../../src/context/environment.ts';
import { addressFrom } from '../../../src/context/neo4j-address.ts';
import { SETTINGS } from '../../../src/context/settings.ts';
import { useFolder } from '../../support/files.ts';

const BASE = { NEO4J_URI: 'bolt://localhost:7687', NEO4J_PASSWORD: 'x' };

describe('driver options', () => {
  it('are read by type', () => {
    const options = driverOptionsFrom({
      NEO4J_DRIVER_MAX_CONNECTION_POOL_SIZE: '7',
      NEO4J_DRIVER_CONNECTION_TIMEOUT: '1500',
      NEO4J_DRIVER_TELEMETRY_DISABLED: 'true',
      NEO4J_DRIVER_ENCRYPTED: 'ENCRYPTION_OFF',
      NEO4J_DRIVER_TRUSTED_CERTIFICATES: 'a.pem, b.pem',
      NEO4J_DRIVER_NOTIFICATION_FILTER_MINIMUM_SEVERITY_LEVEL: 'OFF',
      NEO4J_DRIVER_NOTIFICATION_FILTER_DISABLED_CATEGORIES: 'HINT,GENERIC',
      NEO4J_DRIVER_FETCH_SIZE: '',
      OTHER: 'x',
    });
    expect(options).toEqual({
      maxConnectionPoolSize: 7,
      connectionTimeout: 1500,
      telemetryDisabled: true,
      encrypted: 'ENCRYPTION_OFF',
      trustedCertificates: ['a.pem', 'b.pem'],
      notificationFilter: { minimumSeverityLevel: 'OFF', disabledCategories: ['HINT', 'GENERIC'] },
    });
  });

  it('are refused when there is no such option, with the nearest name, or no such value', () => {
    expect(() => driverOptionsFrom({ NEO4J_DRIVER_MAX_CONECTION_POOL_SIZE: '7' })).toThrow(
      'The driver has no option NEO4J_DRIVER_MAX_CONECTION_POOL_SIZE; did you mean NEO4J_DRIVER_MAX_CONNECTION_POOL_SIZE?',
    );
    expect(() => driverOptionsFrom({ NEO4J_DRIVER_FETCH_SIZE: '-1' })).toThrow(
      'NEO4J_DRIVER_FETCH_SIZE must be a whole number, got "-1".',
    );
    expect(() => driverOptionsFrom({ NEO4J_DRIVER_TRUST: 'ALL' })).toThrow(/must be one of TRUST_SYSTEM/);
  });
});

describe('the way to sign in', () => {
  const authOf = async (env: Record<string, string>) =>
    (await addressFrom({ NEO4J_URI: 'bolt://localhost', ...env })).auth;

  it('is by password, bearer token, Kerberos ticket or certificate', async () => {
    expect(await authOf({ NEO4J_PASSWORD: 'p', NEO4J_USERNAME: 'u' })).toMatchObject({
      scheme: 'basic',
      principal: 'u',
      credentials: 'p',
    });
    expect(await authOf({ NEO4J_BEARER_TOKEN: 't' })).toMatchObject({ scheme: 'bearer', credentials: 't' });
    expect(await authOf({ NEO4J_KERBEROS_TICKET: 'k' })).toMatchObject({
      scheme: 'kerberos',
      credentials: 'k',
    });
    const certificate = {
      NEO4J_CLIENT_CERTIFICATE: 'c.pem',
      NEO4J_CLIENT_KEY: 'k.pem',
      NEO4J_CLIENT_KEY_PASSWORD: 's',
    };
    const address = await addressFrom({ NEO4J_URI: 'bolt+s://db.example.org', ...certificate });
    expect(address.auth).toMatchObject({ scheme: 'none' });
    expect(address.config?.clientCertificate).toEqual({ certfile: 'c.pem', keyfile: 'k.pem', password: 's' });
  });

  it('is one of them, and whole', async () => {
    await expect(authOf({ NEO4J_PASSWORD: 'p', NEO4J_BEARER_TOKEN: 't' })).rejects.toThrow(
      'NEO4J_PASSWORD and NEO4J_BEARER_TOKEN are both set',
    );
    await expect(authOf({})).rejects.toThrow('NEO4J_PASSWORD is not set');
    await expect(authOf({ NEO4J_CLIENT_ID: 'me' })).rejects.toThrow('NEO4J_CLIENT_SECRET is not');
    await expect(authOf({ NEO4J_CLIENT_CERTIFICATE: 'c', NEO4J_PASSWORD: 'p' })).rejects.toThrow(
      'NEO4J_CLIENT_KEY is not',
    );
  });
});

describe('encryption', () => {
  it('is on to another machine, off on this one, and as the address or the option says', async () => {
    const encryptedOf = async (uri: string, more = {}) =>
      (await addressFrom({ ...BASE, NEO4J_URI: uri, ...more })).config?.encrypted;
    for (const uri of [
      'bolt://localhost',
      'bolt://127.0.0.1:7687',
      'neo4j://[::1]:7687',
      'neo4j+s://db',
      'bolt+ssc://db',
    ])
      expect(await encryptedOf(uri)).toBeUndefined();
    for (const uri of ['bolt://db.example.org', 'neo4j://10.0.0.1:7687', 'bolt://localhost.example.org'])
      expect(await encryptedOf(uri)).toBe('ENCRYPTION_ON');
    expect(await encryptedOf('bolt://db', { NEO4J_DRIVER_ENCRYPTED: 'ENCRYPTION_OFF' })).toBe(
      'ENCRYPTION_OFF',
    );
  });
});

describe('a .env file', () => {
  it('adds what the environment has not', () => {
    const folder = useFolder();
    folder.write('.env', '# a comment\nNEO4J_PASSWORD="from file"\nNEO4J_URI=bolt://file\n');
    const { env, fromFile } = loadEnvironment(folder.path('.'), { NEO4J_URI: 'bolt://real' });
    expect(env).toEqual({ NEO4J_URI: 'bolt://real', NEO4J_PASSWORD: 'from file' });
    expect([...fromFile]).toEqual(['NEO4J_PASSWORD']);
    expect(loadEnvironment(folder.path('nowhere'), {})).toEqual({ env: {}, fromFile: new Set() });
  });
});

describe('docs/configuration.md', () => {
  it('has each variable once, and none that there is not', () => {
    const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
    const listed = [...page.matchAll(/^\| `([A-Z0-9_]+)` \|/gm)].map(([, name]) => name);
    expect(listed.sort()).toEqual(SETTINGS.map(({ name }) => name).sort());
  });
});
