/**
 * A program that finds an old bug when it is reintroduced, as the mutants do. A change to the engine may alter the course of a program; if it
 * then no longer finds its bug, another seed that does replaces it.
 */
export interface Regression {
  readonly seed: number;
  readonly steps: number;
  /** True if it predates the extension of programs beyond the original set of features. */
  readonly isPlain: boolean;
  readonly engines: number;
  /** The bug it found. */
  readonly found: string;
}

export const regressions: readonly Regression[] = [
  {
    seed: 285,
    steps: 40,
    isPlain: true,
    engines: 1,
    found: 'a record read while its key had turns, and so outdated, was taken for the current one',
  },
  { seed: 398, steps: 40, isPlain: true, engines: 1, found: 'the same, elsewhere' },
  { seed: 224, steps: 40, isPlain: false, engines: 3, found: 'the same, for one of several engines' },
  {
    seed: 236,
    steps: 40,
    isPlain: false,
    engines: 1,
    found: 'after the clock was set back a finished outbox forgot an answer of the next one, and so a call was made twice',
  },
  {
    seed: 17,
    steps: 40,
    isPlain: false,
    engines: 2,
    found: 'the clock was set back, and the engine that took over did not know how long a delivery’s retry was supposed to wait',
  },
  {
    seed: 506,
    steps: 40,
    isPlain: false,
    engines: 2,
    found: 'a timer overtook an event accepted by another engine, since nobody had told the owner about it',
  },
  {
    seed: 1_496_361_144,
    steps: 40,
    isPlain: false,
    engines: 1,
    found: 'the clock was set back, and a gap was never skipped because memory had no room for its key’s state',
  },
  {
    seed: 220_052,
    steps: 40,
    isPlain: false,
    engines: 1,
    found:
      'with events that are their own keys, an outcome’s turn did not know of another pending outcome of its key, and a call was made twice',
  },
  {
    seed: 509_778,
    steps: 40,
    isPlain: false,
    engines: 1,
    found: 'the clock was set back during a slow look at the gaps, and one that had begun meanwhile waited an hour too long',
  },
  {
    seed: 106,
    steps: 40,
    isPlain: false,
    engines: 1,
    found: 'a numbered event had failed before the log delivered it, and its attempts were counted from the first again',
  },
  {
    seed: 99,
    steps: 40,
    isPlain: false,
    engines: 1,
    found: 'an operator reopened a key of which nothing else was stored, and its timeline was lost',
  },
];
