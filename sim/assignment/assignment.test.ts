import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { type Change, Rehearsal } from './rehearsal.ts';

const engines = 200;
const slices = 4_096;
/** Beats of an engine in one second, and the statements of each. */
const beatStatements = 5;
/** Time until the leases of a dead engine have expired and been taken, in seconds. */
const deathSeconds = 3.5;

/** Number of slices of the engine that has the most. */
const share = Math.ceil(slices / engines);

describe(`${engines} engines and ${slices} slices, on a virtual clock`, () => {
  const fleet = new Rehearsal({ slices, seed: 1 });
  let start: Change;
  before(async () => {
    start = await fleet.measure('start', () => fleet.join(engines));
  });

  test('that start within a second have even shares two seconds later', () => {
    assert.ok(start.evenAfter < 3, `found ${start.evenAfter} s`);
    assert.ok(start.moves < 4 * slices, `found ${start.moves} moves`);
  });

  test('send nothing but one beat a second while nothing changes', async () => {
    const calm = await fleet.calm(10);
    assert.equal(calm.moves, 0);
    assert.ok(calm.statements <= 1.1 * engines * beatStatements, `found ${calm.statements} statements a second`);
  });

  test('give a newcomer its share within a second, and move nothing else', async () => {
    const change = await fleet.measure('join', () => fleet.join(1));
    assert.equal(change.moves, change.movesMin);
    assert.ok(change.evenAfter < 2, `found ${change.evenAfter} s`);
    assert.ok(change.pause < 0.5, `found a slice without an engine for ${change.pause} s`);
    assert.ok(change.statementsMax < 10 * engines * beatStatements, `found ${change.statementsMax} statements in a second`);
  });

  test('take over the slices of one that dies once its lease expires, and move nothing else', async () => {
    const change = await fleet.measure('death', () => fleet.die(fleet.ids.slice(0, 1)));
    assert.equal(change.moves, change.movesMin);
    assert.ok(change.moves <= share, `found ${change.moves} moves`);
    assert.ok(change.evenAfter < deathSeconds, `found ${change.evenAfter} s`);
  });

  test('take over the slices of half of them that die at once', async () => {
    const change = await fleet.measure('deaths', () => fleet.die(fleet.ids.slice(0, engines / 2)));
    assert.equal(change.moves, change.movesMin);
    assert.ok(change.evenAfter < 2 * deathSeconds, `found ${change.evenAfter} s`);
  });

  test('that are restarted one by one move each slice about twice, and leave none unowned for long', async () => {
    const replaced = fleet.ids.slice(0, 5);
    const change = await fleet.measure('rolling restart', async () => {
      for (const id of replaced) {
        await fleet.stop(id);
        fleet.join(1);
        await fleet.untilEven();
      }
    });
    assert.ok(change.moves <= change.movesMin + replaced.length, `expected ${change.movesMin} moves, found ${change.moves}`);
    assert.ok(change.pause < 0.5, `found a slice without an engine for ${change.pause} s`);
  });
});
