import { type Change, Rehearsal } from './rehearsal.ts';

export interface ChangesOptions {
  readonly engines: number;
  readonly slices: number;
  /** Number of engines replaced, one after another, in a rolling restart. */
  readonly rolling: number;
  readonly seed: number;
}

/** Makes every kind of change to a fleet, and reports the result of each. */
export async function* fleetChanges({ engines, slices, rolling, seed }: ChangesOptions): AsyncGenerator<Change> {
  const fleet = new Rehearsal({ slices, seed });
  const some = (count: number) => fleet.ids.slice(0, count);
  yield fleet.measure(`${engines} start`, () => fleet.join(engines));
  yield fleet.calm(10);
  yield fleet.measure('1 joins', () => fleet.join(1));
  yield fleet.measure('1 dies', () => fleet.die(some(1)));
  yield fleet.measure('1 stops', () => fleet.stop(some(1)[0] as string));
  const tenth = Math.max(1, Math.round(engines / 10));
  yield fleet.measure(`${tenth} join`, () => fleet.join(tenth));
  yield fleet.measure(`${tenth} die at once`, () => fleet.die(some(tenth)));
  const half = Math.floor(engines / 2);
  yield fleet.measure(`${half} die at once`, () => fleet.die(some(half)));
  yield fleet.measure(`${half} join`, () => fleet.join(half));
  const replaced = some(rolling);
  yield fleet.measure(`rolling restart of ${replaced.length}`, async () => {
    for (const id of replaced) {
      await fleet.stop(id);
      fleet.join(1);
      await fleet.untilEven();
    }
  });
}
