import type {
  Appended,
  CauseName,
  Commit,
  Gap,
  GapWrite,
  HeldEvent,
  Hold,
  InboxTaken,
  KeyRecord,
  KeyUpdate,
  LoggedEvent,
  NewEvent,
  OutcomeWrite,
  PartitionId,
  Release,
  SourceTaken,
  StoredCause,
  StoredDelivery,
  StoredGap,
  StoredOutcome,
  StoredTimer,
  TimerWrite,
} from '../../store.ts';

/*
 * Rows as selected or written, sent between threads in SQL column order, and their conversion to the port's types. An array costs a fifth
 * of an object with the same values to send. The size of a row is that of the port's value (`store/list-size.ts`).
 */

type EventValues = readonly [
  key: string,
  id: string,
  number: number | null,
  acceptedAt: number,
  body: string,
  traceparent: string | null,
  origin: string | null,
];
/** A new event: the pipeline and slice of its log, and since when its id is known. */
export type EventRow = readonly [pipeline: string, slice: number, knownSince: number | null, ...EventValues];
/** A held event. */
export type HoldRow = readonly [key: string, order: number, position: number, attempts: number, retryAt: number | null];
/** Held events to release, both ends inclusive. */
export type ReleaseRow = readonly [key: string, from: number, to: number];
/** The new record of a key. */
export type KeyUpdateRow = readonly [
  key: string,
  state: string | null,
  version: number | null,
  next: number | null,
  parked: number,
  block: number | null,
];
/** Without a moment the gap is removed. */
export type GapWriteRow = readonly [key: string, next: number, first: number, since: number | null];
/** Names a timer, by name and without an id, or an outcome, by its endpoint and the id of its delivery. */
type NameRow = readonly [key: string, kind: StoredCause['kind'], name: string, id: string];
/** Without a moment the timer or outcome is removed. */
export type CauseWriteRow = readonly [...NameRow, dueAt: number | null, data: string | null, attempts: number, retryAt: number | null];
/** A commit whose longest lists are rows. */
export interface CommitRows extends Omit<Commit, 'holds' | 'releases' | 'keys' | 'gaps' | 'timers' | 'outcomes' | 'sends'> {
  readonly partition: PartitionId;
  /** The epoch of its claim. */
  readonly epoch: number;
  readonly holds: readonly HoldRow[];
  readonly releases: readonly ReleaseRow[];
  readonly keys: readonly KeyUpdateRow[];
  readonly gaps: readonly GapWriteRow[];
  readonly causes: readonly CauseWriteRow[];
  readonly sends: readonly EventRow[];
}

export type LogRow = readonly [position: number, ...EventValues];
export type HeldRow = readonly [...LogRow, order: number, attempts: number, retryAt: number | null];
export type KeyRow = readonly [
  state: string | null,
  version: number | null,
  next: number | null,
  parked: number | null,
  block: number | null,
  heldFrom: number | null,
  heldTo: number | null,
  held: number,
  gap: GapRow | null,
  causes: readonly CauseRow[],
];
export type GapRow = readonly [key: string, next: number, first: number, since: number];
export type CauseRow = readonly [...NameRow, dueAt: number, data: string | null, attempts: number, retryAt: number | null];
export type DeliveryRow = readonly [
  id: string,
  key: string,
  endpoint: string,
  flow: string,
  body: string,
  url: string | null,
  ordered: number,
  askedAt: number,
  traceparent: string | null,
  attempts: number,
  dueAt: number | null,
];

export type DueMomentRow = readonly [dueAt: number, pause: number];

export function sizeOfLogRow([, , , , , body]: LogRow | HeldRow): number {
  return body.length;
}

export function sizeOfKeyRow([state, , , , , , , , , causes]: KeyRow): number {
  let size = state?.length ?? 0;
  for (const cause of causes) size += sizeOfCauseRow(cause);
  return size;
}

export function sizeOfCauseRow([, , , , , data]: CauseRow): number {
  return data?.length ?? 0;
}

export function sizeOfDeliveryRow([, , , , body]: DeliveryRow): number {
  return body.length;
}

/** Converts to the log's form. */
export function toEventRow({ partition, key, id, knownSince, number, acceptedAt, body, traceparent, origin }: NewEvent): EventRow {
  return [partition.pipeline, partition.slice, knownSince, key, id, number, acceptedAt, body, traceparent, origin];
}

/** The fate of an event, as a number: its position if it was accepted, otherwise one of these. */
export const isDuplicate = 0;
export const isLate = -1;
/** The additional fates of an inbox row: it is a dead letter, or it no longer exists. */
export const isBuried = -2;
export const isGone = -3;

/** Converts the writer's answer about an event. */
export function toAppended(answer: number): Appended {
  if (answer === isDuplicate) return { status: 'duplicate' };
  return answer === isLate ? { status: 'late' } : { status: 'accepted', position: answer };
}

/** Converts the writer's answer about an inbox row. */
export function toInboxTaken(answer: number): InboxTaken {
  if (answer === isBuried) return { status: 'buried' };
  return answer === isGone ? { status: 'gone' } : toAppended(answer);
}

/** Converts the writer's answer about a broker's record. */
export function toSourceTaken(answer: number): SourceTaken {
  return answer === isBuried ? { status: 'buried' } : toAppended(answer);
}

/** Converts to the writer's form. */
export function toCommitRows(partition: PartitionId, epoch: number, commit: Commit): CommitRows {
  const { timers, outcomes, ...rest } = commit;
  return {
    partition,
    epoch,
    ...rest,
    holds: commit.holds.map(toHoldRow),
    releases: commit.releases.map(toReleaseRow),
    keys: commit.keys.map(toKeyUpdateRow),
    gaps: commit.gaps.map(toGapWriteRow),
    causes: [...timers.map(toCauseWriteRow), ...outcomes.map(toCauseWriteRow)],
    sends: commit.sends.map(toEventRow),
  };
}

function toHoldRow({ key, order, position, attempts, retryAt }: Hold): HoldRow {
  return [key, order, position, attempts, retryAt];
}

function toReleaseRow({ key, from, to }: Release): ReleaseRow {
  return [key, from, to];
}

function toKeyUpdateRow({ key, state, next, parked, block }: KeyUpdate): KeyUpdateRow {
  return [key, state?.json ?? null, state?.version ?? null, next, parked ? 1 : 0, block ?? null];
}

function toGapWriteRow({ key, gap }: GapWrite): GapWriteRow {
  return gap === null ? [key, 0, 0, null] : [key, gap.next, gap.first, gap.since];
}

function toCauseWriteRow(write: TimerWrite | OutcomeWrite): CauseWriteRow {
  const [key, kind, name, id] = toNameRow(write);
  if (write.dueAt === null) return [key, kind, name, id, null, null, 0, null];
  return [key, kind, name, id, write.dueAt, write.data, write.attempts, write.retryAt];
}

export function toNameRow(cause: CauseName): NameRow {
  return cause.kind === 'timer' ? [cause.key, 'timer', cause.name, ''] : [cause.key, 'outcome', cause.endpoint, cause.id];
}

export function toLoggedEvent([position, key, id, number, acceptedAt, body, traceparent, origin]: LogRow): LoggedEvent {
  return { position, key, id, number, acceptedAt, body, traceparent, origin };
}

export function toHeldEvent(row: HeldRow): HeldEvent {
  const [position, key, id, number, acceptedAt, body, traceparent, origin, order, attempts, retryAt] = row;
  return { position, key, id, number, acceptedAt, body, traceparent, origin, order, attempts, retryAt };
}

/** Every column but those of held events, timers and outcomes is null if nothing is known of the key. */
export function toKeyRecord([json, version, next, parked, block, heldFrom, heldTo, held, gapRow, rows]: KeyRow): KeyRecord {
  const state = json === null || version === null ? null : { json, version };
  const gap = gapRow === null ? null : toGap(gapRow);
  const timers: StoredTimer[] = [];
  const outcomes: StoredOutcome[] = [];
  for (const cause of rows.map(toCause)) {
    if (cause.kind === 'timer') timers.push(cause);
    else outcomes.push(cause);
  }
  return { state, next, parked: parked === 1, heldFrom, heldTo, held, gap, timers, outcomes, ...(block !== null && { block }) };
}

export function toStoredGap(row: GapRow): StoredGap {
  return { key: row[0], ...toGap(row) };
}

function toGap([, next, first, since]: GapRow): Gap {
  return { next, first, since };
}

export function toCause([key, kind, name, id, dueAt, data, attempts, retryAt]: CauseRow): StoredCause {
  if (kind === 'timer') return { kind, key, name, dueAt, data, attempts, retryAt };
  return { kind, key, endpoint: name, id, dueAt, data: data ?? 'null', attempts, retryAt };
}

export function toDelivery([
  id,
  key,
  endpoint,
  flow,
  body,
  url,
  ordered,
  askedAt,
  traceparent,
  attempts,
  dueAt,
]: DeliveryRow): StoredDelivery {
  return { id, key, endpoint, flow, body, url, ordered: ordered === 1, askedAt, traceparent, attempts, dueAt };
}
