import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../../program.ts';
import type { Block } from '../block.ts';

/** Maximum number of visits to a file. */
const entriesMax = 2;

/** Checks a walk: each line names a file of `src` and functions in it, and no file comes up more than twice. */
export function walkIsThere({ text }: Block): void {
  const steps = Array.from(text.matchAll(/^ *([a-z/-]+\.ts) +(#?\w+(?:, #?\w+)*) {2}/gm), ([, file = '', names = '']) => ({ file, names }));
  assert.equal(steps.length, text.trim().split('\n').length, 'expected a file and a function in each line');
  const entries = new Map<string, number>();
  for (const [at, { file, names }] of steps.entries()) {
    const source = readFileSync(join(checkout, 'src', file), 'utf8');
    for (const name of names.split(', ')) {
      const definition = new RegExp(`^ *(?:export )?(?:async )?(?:function )?${name}[<(]`, 'm');
      assert.match(source, definition, `${file}: expected a function ${name}`);
    }
    if (steps[at - 1]?.file !== file) entries.set(file, (entries.get(file) ?? 0) + 1);
  }
  for (const [file, count] of entries) assert.ok(count <= entriesMax, `${file}: expected at most ${entriesMax} entries, found ${count}`);
}
