import type { Table } from '../../pipeline/table.ts';

/** A value of a row being copied: a column's contents, the same from every store. */
export type CopiedValue = string | number | bigint | null;

/** The kinds of engine data of a pipeline, in copying order: an event finds its dead letters there. */
const pipelineKinds = ['letters', 'log', 'ids', 'keys', 'gaps', 'causes', 'deliveries', 'blocks', 'key_blocks'] as const;

export type PipelineKind = (typeof pipelineKinds)[number];

/** A part of a pipeline. */
interface OfPipeline<Kind extends PipelineKind> {
  readonly kind: Kind;
  readonly name: string;
  readonly pipeline: string;
  /** True if its keys are in the same slices of both databases. */
  readonly keepsSlices: boolean;
}

/** A stream of rows, copied from beginning to end. */
export type CopyPart =
  | OfPipeline<Exclude<PipelineKind, 'blocks'>>
  | OfPipeline<'blocks'>
  | { readonly kind: 'rows'; readonly name: string; readonly table: Table }
  | { readonly kind: 'inbox'; readonly name: string }
  | { readonly kind: 'audit'; readonly name: string }
  | { readonly kind: 'operations'; readonly name: string }
  | { readonly kind: 'offsets'; readonly name: string }
  | { readonly kind: 'shapes'; readonly name: string }
  | { readonly kind: 'paused'; readonly name: string };

/** A row, and its place. */
export interface CopiedRow {
  readonly slice: number;
  /** The position in the log, the number of a delivery in the line of all, from 1, or the block of a timeline's line; otherwise 0. */
  readonly place: number;
  readonly values: readonly CopiedValue[];
}

/**
 * The columns of each kind of row, with PostgreSQL's types. Every store selects them in this order.
 *
 * An event of the log includes whether it is settled, its attempts and next attempt if it is held, and the ids of its dead letters as a
 * JSON array: its position changes, and all of that moves with it. A dead letter only says whether it is about an event. A chosen id has
 * the key of its event, or null if the log has deleted that event or the key does not matter because the slice is kept. A block of the
 * timeline is written as the lines of its keys, each with its text alone.
 */
export const columnsOfKind = {
  letters: {
    id: 'text',
    key: 'text',
    reason: 'text',
    failed_at: 'int8',
    attempts: 'int4',
    number_from: 'int8',
    number_to: 'int8',
    parked: 'int4',
    timer_name: 'text',
    timer_due_at: 'int8',
    timer_data: 'text',
    outcome: 'text',
    delivery: 'text',
    origin: 'text',
    stack: 'text',
    resolved: 'bool',
    kind: 'text',
    reason_hash: 'text',
    is_event: 'bool',
  },
  log: {
    key: 'text',
    id: 'text',
    number: 'int8',
    accepted_at: 'int8',
    body: 'text',
    traceparent: 'text',
    origin: 'text',
    settled: 'bool',
    held_attempts: 'int4',
    held_retry_at: 'int8',
    letters: 'text',
  },
  ids: { id: 'text', accepted_at: 'int8', key: 'text' },
  keys: { key: 'text', state: 'text', state_version: 'int8', next: 'int8', parked: 'bool', block: 'int8' },
  gaps: { key: 'text', next: 'int8', first: 'int8', since: 'int8' },
  causes: {
    key: 'text',
    kind: 'text',
    name: 'text',
    id: 'text',
    due_at: 'int8',
    data: 'text',
    attempts: 'int4',
    retry_at: 'int8',
  },
  deliveries: {
    endpoint: 'text',
    id: 'text',
    key: 'text',
    flow: 'text',
    ordered: 'bool',
    waits: 'bool',
    attempts: 'int4',
    due_at: 'int8',
    pause: 'int8',
    asked_at: 'int8',
    url: 'text',
    traceparent: 'text',
    body: 'text',
    failure: 'text',
    failed_at: 'int8',
  },
  blocks: { block: 'int8', text: 'text' },
  key_blocks: { key: 'text', block: 'int8' },
  inbox: { pipeline: 'text', event: 'text', id: 'text', traceparent: 'text' },
  shapes: { pipeline: 'text', version: 'int8', shape: 'text' },
  paused: { pipeline: 'text' },
  offsets: { pipeline: 'text', source: 'text', topic_id: 'text', partition: 'int8', next: 'int8' },
  audit: {
    id: 'text',
    at: 'int8',
    who: 'text',
    action: 'text',
    pipeline: 'text',
    key: 'text',
    subject: 'text',
    reason: 'text',
  },
  operations: {
    id: 'text',
    action: 'text',
    pipeline: 'text',
    filter: 'text',
    who: 'text',
    reason: 'text',
    asked_at: 'int8',
    starts_at: 'int8',
    state: 'text',
    begun_at: 'int8',
    ended_at: 'int8',
    matched: 'int8',
    up_to: 'text',
    reached: 'text',
    done: 'int8',
    refused: 'int8',
  },
} as const satisfies Record<Exclude<CopyPart['kind'], 'rows'>, Readonly<Record<string, string>>>;

const { is_event: _, ...stored } = columnsOfKind.letters;

/** The columns of a dead letter that its row stores unchanged, with PostgreSQL's types. */
export const storedLetter = stored;

type Columns = typeof columnsOfKind;

const places = new Map(
  Object.entries(columnsOfKind).flatMap(([kind, columns]) => Object.keys(columns).map((column, at) => [`${kind} ${column}`, at] as const)),
);

/** Returns the index of a column among the values of a row of that kind. */
export function placeOf<Kind extends keyof Columns>(kind: Kind, column: keyof Columns[Kind] & string): number {
  const at = places.get(`${kind} ${column}`);
  if (at === undefined) throw new TypeError(`expected a column of ${kind}, found ${column}`);
  return at;
}

/** Returns the value of a column of a row. */
export function cellOf<Kind extends keyof Columns>(
  kind: Kind,
  column: keyof Columns[Kind] & string,
  values: readonly CopiedValue[],
): CopiedValue {
  return values[placeOf(kind, column)] ?? null;
}

/**
 * Returns the parts of a database with these pipelines and tables, in copying order.
 *
 * @param kept the pipelines whose keys are in the same slices of both databases
 */
export function partsOf(pipelines: readonly string[], tables: readonly Table[], kept: readonly string[] = []): readonly CopyPart[] {
  return [
    ...pipelines.flatMap((pipeline) =>
      pipelineKinds.map((kind) => ({ kind, name: `${pipeline}/${kind}`, pipeline, keepsSlices: kept.includes(pipeline) })),
    ),
    ...tables.map((table) => ({ kind: 'rows' as const, name: table.name, table })),
    { kind: 'inbox', name: 'millrace_inbox' },
    { kind: 'shapes', name: 'millrace_state_shapes' },
    { kind: 'paused', name: 'millrace_paused' },
    { kind: 'audit', name: 'millrace_audit' },
    { kind: 'operations', name: 'millrace_operations' },
    { kind: 'offsets', name: 'millrace_source_offsets' },
  ];
}
