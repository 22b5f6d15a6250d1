/** A program that once found a bug: it is run for ever. */
export interface Regression {
  readonly seed: number;
  readonly steps: number;
  /** Whether it is from before programs had more than what there was at first. */
  readonly isPlain: boolean;
  /** What was wrong. */
  readonly found: string;
}

export const regressions: readonly Regression[] = [
  { seed: 100, steps: 40, isPlain: true, found: 'a record that was read while its key had turns, and so was old, was taken for the key' },
  { seed: 743, steps: 40, isPlain: true, found: 'the same, and so a timer that had fired was never taken from the store and fired again' },
  {
    seed: 4400,
    steps: 40,
    isPlain: true,
    found: 'a commit was under way when its partition was claimed again, and so an event was counted twice',
  },
  {
    seed: 236,
    steps: 40,
    isPlain: false,
    found: 'after the clock was set back an outbox that was over forgot an answer of the next one, and so a call was made twice',
  },
];
