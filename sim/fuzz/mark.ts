import type { Made, Step } from './attempt.ts';

/** Every event of a sample has this text in it. */
export const plainText = '2022-02-02T19:39:05';
/** Events of attempts that may go without an answer have this one instead, so that they can be told apart in the store. */
export const markText = '2033-03-03T13:33:33';

/** The attempt with every event in it marked. Both texts are of the same length, so nothing else changes. */
export function marked(made: Made): Made {
  const steps = made.steps.map((step): Step => {
    if ('write' in step) return { write: markedBytes(step.write) };
    return 'drip' in step ? { ...step, drip: markedBytes(step.drip) } : step;
  });
  return { ...made, steps, asked: made.asked.map((asked) => ({ ...asked, isMarked: true })) };
}

function markedBytes(bytes: Buffer): Buffer {
  return bytes.includes(plainText) ? Buffer.from(bytes.toString('latin1').replaceAll(plainText, markText), 'latin1') : bytes;
}
