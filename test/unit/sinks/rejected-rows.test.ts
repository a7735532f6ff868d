import { expect, it } from 'vitest';
import { RejectedRows } from '../../../src/sinks/rejected-rows.ts';
import { useFolder } from '../../support/files.ts';

const ROW = { file: 'a.csv', rowNumber: 0, stage: 'write', code: 'GW_NEO4J_WRITE', message: 'no', row: {} };

it('says that the file cannot be used when a run is taken up', async () => {
  const folder = useFolder();
  const path = `${folder.write('file', '')}/r.jsonl`;
  await expect(new RejectedRows(path).beginRun('run', () => 0)).rejects.toMatchObject({
    code: 'GW_REJECTED_FILE',
    message: expect.stringMatching(/^The file of rejected rows cannot be used: ENOTDIR: .*r\.jsonl/),
  });
});

it.skipIf(process.platform === 'win32')('may be a device, which keeps nothing', async () => {
  const rejected = new RejectedRows('/dev/null');
  await rejected.beginRun('run', () => 0);
  rejected.append([ROW as never]);
  expect(rejected.count).toBe(1);
});
