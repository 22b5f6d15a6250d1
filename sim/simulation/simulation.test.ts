import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { sqlite } from '../../src/store/sqlite/sqlite-store.ts';
import { InboxOfFile } from './inbox-of-file.ts';
import { brokenOf, fleetHappenings, inboxHappenings } from './programs.fixture.test.ts';
import { randomProgram } from './random-program.ts';
import { regressions } from './regressions.ts';
import { simulate } from './simulation.ts';

const steps = 40;
/** Programs that are the same in every run; with these seeds everything that must happen does so in one of them. */
const fixedPrograms = 30;
const firstFixedSeed = 31;
/** Programs that nobody has run before. */
const freshPrograms = 15;

describe('random programs under faults keep every promise', () => {
  test(`${fixedPrograms} of them with fixed seeds`, async () => {
    assert.equal(await brokenOf(firstFixedSeed, fixedPrograms, { steps, mustHappen: [...fleetHappenings, ...inboxHappenings] }), '');
  });

  test(`${freshPrograms} of them with fresh seeds`, async (context) => {
    const first = Math.floor(Math.random() * 2 ** 31) + 1;
    context.diagnostic(`seeds from ${first}`);
    assert.equal(await brokenOf(first, freshPrograms, { steps }), '');
  });

  for (const { seed, steps, isPlain, engines, found } of regressions) {
    test(`the one that found this, with seed ${seed}: ${found}`, async () => {
      assert.deepEqual((await simulate(randomProgram(seed, steps, { isPlain, engines, hasInbox: false }))).broken, []);
    });
  }

  test('some of them on disk', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-sim-'));
    context.after(() => rmSync(folder, { recursive: true }));
    for (const seed of [1, 2, 3]) {
      const path = join(folder, `${seed}.db`);
      const program = randomProgram(seed, 20, { engines: 1, hasInbox: seed > 1 });
      assert.deepEqual((await simulate(program, { store: sqlite(path), inbox: new InboxOfFile(path) })).broken, []);
    }
  });
});

test('half of all programs have one engine, the others two or three, whether or not that is requested', () => {
  const engines = Array.from({ length: 1_000 }, (_, seed) => randomProgram(seed + 1, 1).settings.engines);
  const shares = [1, 2, 3].map((number) => engines.filter((found) => found === number).length);
  for (const [at, share] of [500, 250, 250].entries()) assert.ok(Math.abs((shares[at] ?? 0) - share) < 50, String(shares));
  const seed = engines.indexOf(3) + 1;
  assert.deepEqual(randomProgram(seed, steps), randomProgram(seed, steps, { engines: 3 }));
});

test('a program takes the same course each time, and a different one with another seed', async () => {
  const courseOf = async (seed: number) => {
    const happened: string[] = [];
    const { course } = await simulate(randomProgram(seed, steps), { trace: (what) => void happened.push(what) });
    return { course, happened };
  };
  const once = await courseOf(5);
  assert.ok(once.happened.length > 500, `expected a long course, found ${once.happened.length} happenings`);
  assert.deepEqual(await courseOf(5), once);
  assert.notEqual((await courseOf(6)).course, once.course);
});
