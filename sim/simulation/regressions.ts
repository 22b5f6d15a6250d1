/**
 * A program that finds a bug of former days when that is put in again, as the mutants do. A change of the engine gives programs another
 * course; where one no longer finds its bug, another seed that does takes its place.
 */
export interface Regression {
  readonly seed: number;
  readonly steps: number;
  /** Whether it is from before programs had more than what there was at first. */
  readonly isPlain: boolean;
  /** What was wrong. */
  readonly found: string;
}

export const regressions: readonly Regression[] = [
  { seed: 104, steps: 40, isPlain: true, found: 'a record that was read while its key had turns, and so was old, was taken for the key' },
  { seed: 146, steps: 40, isPlain: true, found: 'the same, elsewhere' },
  { seed: 182, steps: 40, isPlain: true, found: 'a timer of an event without a key that was redriven never came due' },
  {
    seed: 398,
    steps: 40,
    isPlain: true,
    found: 'an outcome came while its key was being read, and what was read was taken for newer, so it stayed when it had been told',
  },
  {
    seed: 236,
    steps: 40,
    isPlain: false,
    found: 'after the clock was set back an outbox that was over forgot an answer of the next one, and so a call was made twice',
  },
  {
    seed: 1174,
    steps: 40,
    isPlain: false,
    found: 'a key waited for a draft that said nothing and so never committed: a number of the log that had been passed already',
  },
  {
    seed: 2880,
    steps: 40,
    isPlain: false,
    found: 'the clock was set back before an outcome was on disk, and the look that could have found it took what it read for old',
  },
  {
    seed: 4003,
    steps: 40,
    isPlain: false,
    found: 'the clock was set back once more while looks ahead of it went on, and an outcome came to lie behind them',
  },
];
