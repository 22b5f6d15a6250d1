import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InstalledPackage } from './installed-package.ts';
import { checkout } from './program.ts';
import { blocksOf } from './snippets/block.ts';
import { fileNameOf } from './snippets/program-file.ts';

/** Writes the README's program and its test into a folder, as `.ts` or `.js`: the code has no type annotations. */
export function writeReadmeProgram(folder: string, ending: 'ts' | 'js'): void {
  mkdirSync(folder, { recursive: true });
  const blocks = blocksOf('README.md', readFileSync(join(checkout, 'README.md'), 'utf8')).filter(({ language }) => language === 'ts');
  for (const name of ['visits.ts', 'main.ts', 'visits.test.ts']) {
    const block = blocks.find((one) => fileNameOf(one) === name);
    assert.ok(block, `expected ${name} in README.md`);
    writeFileSync(join(folder, name.replace(/ts$/, ending)), block.text.replaceAll('./visits.ts', `./visits.${ending}`));
  }
}

interface Run {
  readonly node: string;
  /** The program's folder inside the user's. */
  readonly program: string;
  readonly ending: 'ts' | 'js';
}

/** Runs the README's program and its test, with the given Node.js. */
export async function runReadmeProgram(installed: InstalledPackage, { node, program, ending }: Run): Promise<void> {
  rmSync(join(installed.folder, 'visits.db'), { force: true });
  assert.match(await installed.with(node, join(program, `main.${ending}`)), /\{ visits: 1 \}/);
  assert.match(await installed.with(node, '--test', join(program, `visits.test.${ending}`)), /^(?:ℹ|#) pass 1$/m);
}
