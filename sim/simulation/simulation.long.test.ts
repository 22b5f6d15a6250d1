import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';

const script = join(import.meta.dirname, '../simulate.ts');
const programs = 300;

/** Random programs of consecutive seeds, in a process of their own: in this one the runner would follow each of their many promises. */
async function keepPromises(firstSeed: number, { signal }: TestContext): Promise<void> {
  const words = [script, '--seed', String(firstSeed), '--programs', String(programs)];
  const printed = await new Promise<string>((resolve) => {
    execFile(process.execPath, words, { signal }, (error, stdout, stderr) => resolve(`${error?.message ?? ''}${stderr}${stdout}`));
  });
  assert.ok(printed.endsWith(`sim: ${programs} of ${programs} programs kept every promise\n`), printed);
}

test(`${programs} random programs of fixed seeds keep every promise under faults`, (context) => keepPromises(1, context));

test(`${programs} random programs that nobody has run before keep every promise under faults`, async (context) => {
  const first = Math.floor(Math.random() * 2 ** 31) + 1;
  context.diagnostic(`seeds from ${first}`);
  await keepPromises(first, context);
});
