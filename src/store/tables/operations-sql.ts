import type { OperationChange, OperationQuery, OperationState, StoredOperation } from '../store.ts';

/** The columns of an operation, in the order of {@link operationRow}. */
export const operationColumns = [
  'id',
  'action',
  'pipeline',
  'filter',
  'who',
  'reason',
  'asked_at',
  'starts_at',
  'state',
  'begun_at',
  'ended_at',
  'matched',
  'up_to',
  'reached',
  'done',
  'refused',
] as const;

/** The numeric ones. */
export const numberColumns: ReadonlySet<string> = new Set(['asked_at', 'starts_at', 'begun_at', 'ended_at', 'matched', 'done', 'refused']);

type Value = string | number | null;

export type OperationRow = readonly Value[];

export function operationRow(operation: StoredOperation): OperationRow {
  const { id, action, pipeline, filter, who, reason, askedAt, startsAt, state, begunAt, endedAt } = operation;
  const { matched, upTo, reached, done, refused } = operation;
  return [
    id,
    action,
    pipeline,
    JSON.stringify(filter),
    who,
    reason,
    askedAt,
    startsAt,
    state,
    begunAt,
    endedAt,
    matched,
    upTo,
    reached,
    done,
    refused,
  ];
}

export function toOperation(row: readonly unknown[]): StoredOperation {
  const of = (column: (typeof operationColumns)[number]) => row[operationColumns.indexOf(column)];
  const textOf = (column: (typeof operationColumns)[number]) => textOrNull(of(column));
  return {
    id: String(of('id')),
    action: of('action') === 'discard' ? 'discard' : 'redrive',
    pipeline: String(of('pipeline')),
    filter: JSON.parse(String(of('filter'))),
    who: textOf('who'),
    reason: textOf('reason'),
    askedAt: Number(of('asked_at')),
    startsAt: Number(of('starts_at')),
    state: String(of('state')) as OperationState,
    begunAt: numberOrNull(of('begun_at')),
    endedAt: numberOrNull(of('ended_at')),
    matched: Number(of('matched')),
    upTo: textOf('up_to'),
    reached: String(of('reached')),
    done: Number(of('done')),
    refused: Number(of('refused')),
  };
}

/** Builds the statement that lists operations, latest first, with its parameters. */
export function operationsSelect(
  { id, pipeline, isOpen = false, before, limit }: OperationQuery,
  parameter: (nth: number) => string,
): { readonly text: string; readonly values: readonly (string | number)[] } {
  const values: (string | number)[] = [];
  const given = (value: string | number) => parameter(values.push(value));
  const conditions = [
    ...(isOpen ? ["state IN ('starting', 'running')"] : []),
    ...(id === undefined ? [] : [`id = ${given(id)}`]),
    ...(pipeline === undefined ? [] : [`pipeline = ${given(pipeline)}`]),
    ...(before === undefined ? [] : [`id < ${given(before)}`]),
  ];
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const columns = operationColumns.map((name) => `"${name}"`).join(', ');
  return { text: `SELECT ${columns} FROM millrace_operations ${where} ORDER BY id DESC LIMIT ${given(limit)}`, values };
}

/** The operation to change, its required current condition, and the change. */
interface Update {
  readonly id: string;
  readonly from: Pick<StoredOperation, 'state' | 'reached'>;
  readonly change: OperationChange;
}

/** Builds the statement that changes an operation, with its parameters. */
export function operationUpdate(
  { id, from, change }: Update,
  parameter: (nth: number) => string,
): { readonly text: string; readonly values: readonly Value[] } {
  const values: Value[] = [];
  const given = (value: Value) => parameter(values.push(value));
  const { state, begunAt, endedAt, matched, upTo, reached, refused } = change;
  const set = Object.entries({ state, begun_at: begunAt, ended_at: endedAt, matched, up_to: upTo, reached, refused });
  const changes = set.flatMap(([column, value]) => (value === undefined ? [] : [`${column} = ${given(value)}`]));
  const text = `UPDATE millrace_operations SET ${changes.join(', ')}
    WHERE id = ${given(id)} AND state = ${given(from.state)} AND reached = ${given(from.reached)}`;
  return { text, values };
}

function textOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}

function numberOrNull(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}
