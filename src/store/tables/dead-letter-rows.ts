import { reasonHash } from '../reason-pattern.ts';
import type { DeadLetter, DeadLetterFilter, DeadLetterQuery } from '../store.ts';
import { type FailureRow, failureColumns, toFailure } from './dead-letter-columns.ts';

/** A dead letter as {@link lettersStatement} selects it. */
export type LetterRow = readonly [
  id: string,
  pipeline: string,
  slice: number,
  key: string,
  reason: string,
  stack: string | null,
  failedAt: number,
  attempts: number,
  ...failure: FailureRow,
];

/** The columns of a letter's event, in the order of {@link LetterEventRow}. */
export const letterEventColumns = 'id, accepted_at, body, origin';

export type LetterEventRow = readonly [id: string, acceptedAt: number, body: string, origin: string | null];

/** Stands in for an event that somebody's SQL deleted from the log, so that the rest of the list can still be shown. */
const deletedEvent: LetterEventRow = ['', 0, 'null', null];

/** Differences between databases in a statement that selects dead letters. */
export interface LettersDialect {
  /** The condition of the partial indexes: the letter is unresolved. */
  readonly unresolved: string;
  /** Returns the placeholder of a parameter, counted from 1. */
  parameter(nth: number): string;
}

/** Selects the letters of a list in id order. */
export function lettersStatement({ limit, ...query }: DeadLetterQuery, dialect: LettersDialect) {
  const { conditions, values } = conditionsOf(query, dialect);
  return {
    text: `SELECT id, pipeline, slice, "key", reason, stack, failed_at, attempts, ${failureColumns} FROM millrace_dead_letters
      WHERE ${conditions} ORDER BY id LIMIT ${dialect.parameter(values.length + 1)}`,
    values: [...values, limit],
  };
}

/** Selects the number of letters, and the last id. */
export function letterCountStatement(filter: DeadLetterFilter, dialect: LettersDialect) {
  const { conditions, values } = conditionsOf(filter, dialect);
  return { text: `SELECT count(*), max(id) FROM millrace_dead_letters WHERE ${conditions}`, values };
}

/** Returns the conditions of a filter, including their parameters. */
export function conditionsOf(
  { pipeline, kind, key, reason, from, to, upTo, id, ids = [], after }: Omit<DeadLetterQuery, 'limit'>,
  { unresolved, parameter }: LettersDialect,
) {
  const filters = {
    'pipeline =': pipeline,
    'kind =': kind,
    '"key" =': key,
    'reason_hash =': reason === undefined ? undefined : reasonHash(reason),
    'failed_at >=': from,
    'failed_at <': to,
    'id <=': upTo,
    'id =': id,
    'id >': after,
  };
  const asked = Object.entries(filters).flatMap(([condition, value]) => (value === undefined ? [] : [{ condition, value }]));
  const named = ids.map((_, at) => parameter(asked.length + at + 1));
  const conditions = [
    unresolved,
    ...asked.map(({ condition }, at) => `${condition} ${parameter(at + 1)}`),
    ...(named.length === 0 ? [] : [`id IN (${named.join(', ')})`]),
  ];
  return { conditions: conditions.join(' AND '), values: [...asked.map(({ value }) => value), ...ids] };
}

/** The contents of a dead letter's row; its event is in the log. */
export type SelectedLetter = ReturnType<typeof toSelectedLetter>;

export function toSelectedLetter([id, pipeline, slice, key, reason, stack, failedAt, attempts, ...row]: LetterRow) {
  return { head: { id, partition: { pipeline, slice }, key, reason, stack, failedAt, attempts }, failure: toFailure(row) };
}

/** Builds the letter with its event, calling `eventAt` if the letter is about one. */
export function toDeadLetter({ head, failure }: SelectedLetter, eventAt: (position: number) => LetterEventRow | undefined): DeadLetter {
  if (failure.kind !== 'event') return { ...head, ...failure };
  const [eventId, acceptedAt, body, origin] = eventAt(failure.event.position) ?? deletedEvent;
  return { ...head, ...failure, eventId, acceptedAt, body, origin };
}
