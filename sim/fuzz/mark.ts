import type { Made, Step } from './attempt.ts';

/** A text contained in every sample event. */
export const plainText = '2022-02-02T19:39:05';
/** Its replacement in events of attempts that may remain unanswered, which distinguishes them in the store. */
export const markText = '2033-03-03T13:33:33';

/** Returns the attempt with every event marked. Both texts have the same length, so nothing else changes. */
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
