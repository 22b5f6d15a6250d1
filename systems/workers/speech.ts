import * as z from 'zod';
import { Place } from './place.ts';

/** Maximum number of workers. */
export const workersMax = 1_000;

/** A message from one worker to another, or to itself. */
export function speechOf(workers: number) {
  const worker = wholeNumber(1, workers);
  return z.object({ worker, message: text, destination_worker: worker }, expecting('an object'));
}
export type Speech = z.infer<ReturnType<typeof speechOf>>;

/** An event of a worker: it says something, or hears something said to it. */
export function actOf(workers: number) {
  const worker = wholeNumber(1, workers);
  return z.discriminatedUnion('act', [
    speechOf(workers).extend({ act: z.literal('speak'), place: Place.optional() }),
    z.object({ act: z.literal('hear'), worker, speaker: worker, message: text }),
  ]);
}

/** Whole numbers, exact: any that JSON would round is refused. */
export function wholeNumber(min: number, max: number) {
  const expectation = expecting(`an integer from ${min} to ${max}`);
  // Reports one fault once.
  return z
    .number(expectation)
    .refine((value) => Number.isSafeInteger(value) && value >= min && value <= max, expectation)
    .meta({
      type: 'integer',
      minimum: min,
      maximum: max,
    });
}

const text = z.string(expecting('a text'));

function expecting(expected: string) {
  return { error: ({ input }: { readonly input?: unknown }) => `expected ${expected}, found ${shown(input)}` };
}

function shown(value: unknown): string {
  // JSON would show 1e400, which was read as Infinity, as null.
  const json = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? 'nothing');
  return json.length > 100 ? `${json.slice(0, 100)}…` : json;
}
