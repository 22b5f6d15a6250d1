import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../../program.ts';
import type { Block } from '../block.ts';

/** Checks the files and folders of `src` that a drawing names. */
export function namedFilesAreThere({ text }: Block): void {
  const names = text.match(/\b[a-z-]+\/[a-z-]*(?:\.ts)?/g) ?? [];
  assert.ok(names.length > 0);
  for (const name of names) assert.ok(existsSync(join(checkout, 'src', name)), name);
}
