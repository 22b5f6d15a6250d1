import type { NewDeadLetter } from '../store.ts';

/** The columns for the subject of a dead letter, in the order of {@link FailureRow}. Those of other kinds are null. */
export const failureColumns =
  'position, "order", number_from, number_to, parked, timer_name, timer_due_at, timer_data, outcome, delivery, origin';

export type FailureRow = readonly [
  position: number | null,
  order: number | null,
  numberFrom: number | null,
  numberTo: number | null,
  parked: number,
  timerName: string | null,
  timerDueAt: number | null,
  timerData: string | null,
  outcome: string | null,
  delivery: string | null,
  origin: string | null,
];

type WithoutHead<Letter> = Letter extends unknown ? Omit<Letter, 'id' | 'key' | 'reason' | 'stack' | 'failedAt' | 'attempts'> : never;

/** The subject of a dead letter. */
type Failure = WithoutHead<NewDeadLetter>;

/** The beginning of a broker's rejected record, and of no other origin. */
const recordStart = '{"source":';

export function toFailureRow(letter: NewDeadLetter): FailureRow {
  switch (letter.kind) {
    case 'event': {
      const { event, parked } = letter;
      return [event.position, event.order, null, null, parked ? 1 : 0, null, null, null, null, null, null];
    }
    case 'timer': {
      const { name, dueAt, data } = letter.timer;
      return [null, null, null, null, 0, name, dueAt, data, null, null, null];
    }
    case 'outcome':
      return [null, null, null, null, 0, null, null, null, JSON.stringify(letter.outcome), null, null];
    case 'delivery':
      return [null, null, null, null, 0, null, null, null, null, JSON.stringify(letter.delivery), null];
    case 'gap':
      return [null, null, letter.numbers.from, letter.numbers.to, 0, null, null, null, null, null, null];
    case 'origin':
      return [null, null, null, null, 0, null, null, null, null, null, letter.origin];
    case 'rejected':
      return [null, null, null, null, 0, null, null, null, null, null, letter.record];
  }
}

/** A failed timer written by version 1 of the tables has no subject, and is read as an empty origin. */
export function toFailure(row: FailureRow): Failure {
  const [position, order, from, to, parked, name, dueAt, data, outcome, delivery, origin] = row;
  if (position !== null && order !== null) return { kind: 'event', event: { position, order }, parked: parked === 1 };
  if (name !== null && dueAt !== null) return { kind: 'timer', timer: { name, dueAt, data } };
  if (outcome !== null) return { kind: 'outcome', outcome: JSON.parse(outcome) };
  if (delivery !== null) return { kind: 'delivery', delivery: JSON.parse(delivery) };
  if (from !== null && to !== null) return { kind: 'gap', numbers: { from, to } };
  if (origin?.startsWith(recordStart) === true) return { kind: 'rejected', record: origin };
  return { kind: 'origin', origin: origin ?? 'null' };
}

/** Computes the kind of a letter from its other columns, in SQL, like {@link toFailure}. */
export const kindOfRow = `CASE WHEN position IS NOT NULL THEN 'event' WHEN timer_name IS NOT NULL THEN 'timer'
  WHEN outcome IS NOT NULL THEN 'outcome' WHEN delivery IS NOT NULL THEN 'delivery' WHEN number_from IS NOT NULL THEN 'gap' ELSE 'origin' END`;
