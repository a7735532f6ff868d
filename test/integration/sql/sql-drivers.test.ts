import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { useFolder } from '../../support/files.ts';
import { ROOT } from '../../support/process.ts';

const SCRIPT = `
import { SILENT_REPORTER, SQLBatchSource } from 'graphweft';
const context = { env: {}, reporter: SILENT_REPORTER, signal: new AbortController().signal };
const source = new SQLBatchSource(context, { url: process.argv[2], query: 'SELECT 1 AS one' });
try {
  for await (const { chunk } of source.getBatch(1)) console.log(JSON.stringify({ rows: chunk }));
} catch ({ name, code, message }) {
  console.log(JSON.stringify({ name, code, message }));
}`;

it('works without the drivers, and says in one sentence which one is missing and how to get it', async () => {
  const folder = useFolder();
  const modules = folder.path('node_modules');
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  for (const part of ['dist', 'package.json'])
    cpSync(join(ROOT, part), join(modules, 'graphweft', part), { recursive: true });
  const script = folder.write('read.mjs', SCRIPT);
  const read = (url: string) =>
    JSON.parse(execFileSync(process.execPath, ['--no-warnings', script, url]).toString()) as unknown;
  const missing = (name: string, install = name) => ({
    name: 'ConfigError',
    code: 'GW_SQL_DRIVER',
    message: `The package \`${name}\` is missing: npm install ${install}`,
  });
  expect(read('postgres://me@127.0.0.1:1/x')).toEqual(missing('pg', 'pg pg-cursor'));
  expect(read('mysql://me@127.0.0.1:1/x')).toEqual(missing('mariadb'));
  // Node before 22.16 has no SQLite that says what its columns are declared as.
  const sqlite = (await import('node:sqlite' as string).catch(() => undefined)) as
    | { readonly StatementSync: { readonly prototype: { readonly columns?: unknown } } }
    | undefined;
  expect(read(`sqlite:${folder.write('empty.db', '')}`)).toEqual(
    sqlite?.StatementSync.prototype.columns ? { rows: [{ one: 1 }] } : missing('better-sqlite3'),
  );
});
