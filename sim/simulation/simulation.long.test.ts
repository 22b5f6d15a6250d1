import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';

const script = join(import.meta.dirname, '../simulate.ts');
/** Programs that are the same in every run, and so reveal little that is new. */
const fixedPrograms = 100;
/** Programs that nobody has run before. */
const freshPrograms = 300;

/** Runs random programs of consecutive seeds in their own process: in this one the runner would track each of their many promises. */
async function keepPromises(firstSeed: number, programs: number, { signal }: TestContext): Promise<void> {
  const words = [script, '--seed', String(firstSeed), '--programs', String(programs)];
  const printed = await new Promise<string>((resolve) => {
    execFile(process.execPath, words, { signal }, (error, stdout, stderr) => resolve(`${error?.message ?? ''}${stderr}${stdout}`));
  });
  assert.ok(printed.endsWith(`sim: ${programs} of ${programs} programs kept every promise\n`), printed);
}

test(`${fixedPrograms} random programs with fixed seeds keep every promise under faults`, (context) =>
  keepPromises(1, fixedPrograms, context));

test(`${freshPrograms} fresh random programs keep every promise under faults`, async (context) => {
  const first = Math.floor(Math.random() * 2 ** 31) + 1;
  context.diagnostic(`seeds from ${first}`);
  await keepPromises(first, freshPrograms, context);
});
