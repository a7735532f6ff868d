import { mkdirSync, readdirSync } from 'node:fs';
import { basename, dirname, resolve, sep } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RejectedRows } from '../../../src/sinks/rejected-rows.ts';
import { useFolder } from '../../support/files.ts';

const HOSTILE = [
  '../../x',
  '../../x.csv',
  '..',
  '.',
  '...',
  '',
  '/',
  '//',
  '/etc/passwd',
  '..\\..\\x',
  'C:\\Windows\\x.csv',
  'C:x',
  '\\\\host\\share\\x',
  'a/../../b',
  'x\0.csv',
  '\0',
  '~/x',
  '$(rm -rf x)',
  'a\nb',
  'data/*.csv',
  'CON',
  'nul.csv',
  'COM1.csv.gz',
  'x'.repeat(5_000),
  '😀'.repeat(300),
  'postgres://me:secret@host/db',
  '%2e%2e%2fx',
];

const placeOf = (name: string) => resolve(RejectedRows.defaultPath(name));
const expectInside = (name: string) => {
  expect(dirname(placeOf(name))).toBe(resolve('rejected'));
  const file = basename(placeOf(name));
  expect(file).toMatch(/^[\w.-]+\.jsonl$/);
  expect(file.length).toBeLessThan(200);
  expect(file).not.toMatch(/^(con|prn|aux|nul|com\d|lpt\d)\./i);
};

describe('the file of rejected rows', () => {
  it('stays in its folder whatever the source is called', () => {
    for (const name of HOSTILE) expectInside(name);
    const piece = fc.oneof(
      fc.constantFrom('..', '.', '/', '\\', '\0', ':', 'con', 'x'),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(
        fc.array(piece).map((pieces) => pieces.join('')),
        expectInside,
      ),
    );
  });

  it('has the name of the source as far as that can be, and tells long ones apart', () => {
    expect(RejectedRows.defaultPath('data/people.csv')).toBe('rejected/people.csv.jsonl');
    expect(RejectedRows.defaultPath('..')).toBe('rejected/rows.jsonl');
    const long = 'x'.repeat(300);
    expect(placeOf(`${long}a`)).not.toBe(placeOf(`${long}b`));
    expect(placeOf(`${long}a`)).toBe(placeOf(`${long}a`));
  });

  it('can be written, and is the only thing that is', () => {
    const folder = useFolder();
    mkdirSync(folder.path('work'));
    for (const name of HOSTILE) {
      const rows = new RejectedRows(folder.path(`work${sep}${RejectedRows.defaultPath(name)}`));
      rows.append([{ file: null, rowNumber: 0, stage: 'read', code: 'GW_SOURCE_ROW', message: 'x' }]);
    }
    expect(readdirSync(folder.path('.'))).toEqual(['work']);
    expect(readdirSync(folder.path('work'))).toEqual(['rejected']);
  });
});
