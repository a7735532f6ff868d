/** Every TypeScript block of the docs and of the comments in the sources compiles against the built package. */
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { ROOT } from '../support/process.ts';

// Inside the project, so that 'graphweft', 'zod' and the rest are found as a user's code finds them.
const FOLDER = join(ROOT, '.docs-test');
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

function blocksOf(file: string): readonly string[] {
  const text = readFileSync(join(ROOT, file), 'utf8').replaceAll(/^ *\* ?/gm, (star) =>
    file.endsWith('.ts') ? '' : star,
  );
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, block]) => block!);
}

/** What a comment's example takes for granted: graphweft's names and a context. */
async function prelude(block: string): Promise<string> {
  if (block.includes("from 'graphweft'")) return '';
  const names = Object.keys(await import('graphweft')).filter((name) =>
    new RegExp(`\\b${name}\\b`).test(block),
  );
  const needsContext = !/context = new/.test(block) && /\bcontext\b/.test(block);
  const imports = [...new Set([...names, ...(needsContext ? ['ETLContext'] : [])])];
  return `import { ${imports.join(', ')} } from 'graphweft';\n${needsContext ? 'declare const context: ETLContext;\n' : ''}`;
}

it('compiles', async () => {
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true }) as string[];
  const files = [
    'README.md',
    ...readdirSync(join(ROOT, 'docs'))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
    ...sources.filter((name) => name.endsWith('.ts')).map((name) => `src/${name}`),
  ];
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER);
  let blocks = 0;
  for (const file of files) {
    for (const [i, block] of blocksOf(file).entries()) {
      writeFileSync(
        join(FOLDER, `${file.replaceAll(/[/.]/g, '-')}-${i}.ts`),
        `${await prelude(block)}${block}\nexport {};\n`,
      );
      // An error as a whole is printed with its stack and those of its causes, for 40 lines.
      expect(block, file).not.toMatch(/console\.\w+\(.*\berror\)/);
      blocks++;
    }
  }
  expect(blocks).toBeGreaterThan(12);
  const lib = ['es2023', 'esnext.disposable'];
  const compilerOptions = {
    target: 'es2023',
    lib,
    module: 'node20',
    types: ['node'],
    strict: true,
    skipLibCheck: false,
    noEmit: true,
  };
  writeFileSync(join(FOLDER, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  const tsc = join(ROOT, 'node_modules', '.bin', 'tsc');
  const { stdout } = await promisify(execFile)(tsc, ['-p', FOLDER], { cwd: ROOT }).catch(
    (error: { stdout: string }) => error,
  );
  expect(stdout).toBe('');
});
