import type {
  Appended,
  Commit,
  Gap,
  GapWrite,
  HeldEvent,
  Hold,
  KeyRecord,
  KeyUpdate,
  LoggedEvent,
  NewEvent,
  PartitionId,
  Release,
  StoredDelivery,
  StoredGap,
  StoredTimer,
  TimerWrite,
} from '../../store.ts';

/*
 * Rows as they are selected, or written, and go between threads, in the order of the columns in the SQL, and what the port
 * makes of them. An array costs a fifth of what an object of the same values does on its way. The size of a row is that of what
 * the port makes of it (`store/list-size.ts`).
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
/** An event that is held. */
export type HoldRow = readonly [key: string, order: number, position: number, attempts: number, retryAt: number | null];
/** Held events that are let go of, both ends included. */
export type ReleaseRow = readonly [key: string, from: number, to: number];
/** What becomes of a key. */
export type KeyUpdateRow = readonly [key: string, state: string | null, version: number | null, next: number | null, parked: number];
/** Without a moment the gap is forgotten. */
export type GapWriteRow = readonly [key: string, next: number, first: number, since: number | null];
/** Without a moment the timer is disarmed. */
export type TimerWriteRow = readonly [
  key: string,
  name: string,
  dueAt: number | null,
  data: string | null,
  attempts: number,
  retryAt: number | null,
];
/** A commit whose longest lists are rows. */
export interface CommitRows extends Omit<Commit, 'holds' | 'releases' | 'keys' | 'gaps' | 'timers' | 'sends'> {
  readonly partition: PartitionId;
  /** That of the claim that it is made under. */
  readonly epoch: number;
  readonly holds: readonly HoldRow[];
  readonly releases: readonly ReleaseRow[];
  readonly keys: readonly KeyUpdateRow[];
  readonly gaps: readonly GapWriteRow[];
  readonly timers: readonly TimerWriteRow[];
  readonly sends: readonly EventRow[];
}

export type LogRow = readonly [position: number, ...EventValues];
export type HeldRow = readonly [...LogRow, order: number, attempts: number, retryAt: number | null];
export type KeyRow = readonly [
  state: string | null,
  version: number | null,
  next: number | null,
  parked: number | null,
  heldFrom: number | null,
  held: number,
  gap: GapRow | null,
  timers: readonly TimerRow[],
];
export type GapRow = readonly [key: string, next: number, first: number, since: number];
export type TimerRow = readonly [key: string, name: string, dueAt: number, data: string | null, attempts: number, retryAt: number | null];
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

export function sizeOfLogRow([, , , , , body]: LogRow | HeldRow): number {
  return body.length;
}

export function sizeOfKeyRow([state, , , , , , , timers]: KeyRow): number {
  let size = state?.length ?? 0;
  for (const timer of timers) size += sizeOfTimerRow(timer);
  return size;
}

export function sizeOfTimerRow([, , , data]: TimerRow): number {
  return data?.length ?? 0;
}

export function sizeOfDeliveryRow([, , , , body]: DeliveryRow): number {
  return body.length;
}

/** As the log takes it. */
export function toEventRow({ partition, key, id, knownSince, number, acceptedAt, body, traceparent, origin }: NewEvent): EventRow {
  return [partition.pipeline, partition.slice, knownSince, key, id, number, acceptedAt, body, traceparent, origin];
}

/** What became of an event, as a number: its position when it was accepted, otherwise one of these. */
export const isDuplicate = 0;
export const isLate = -1;

/** What became of an event, as the writer tells it. */
export function toAppended(answer: number): Appended {
  if (answer === isDuplicate) return { status: 'duplicate' };
  return answer === isLate ? { status: 'late' } : { status: 'accepted', position: answer };
}

/** As the writer takes it. */
export function toCommitRows(partition: PartitionId, epoch: number, commit: Commit): CommitRows {
  return {
    partition,
    epoch,
    ...commit,
    holds: commit.holds.map(toHoldRow),
    releases: commit.releases.map(toReleaseRow),
    keys: commit.keys.map(toKeyUpdateRow),
    gaps: commit.gaps.map(toGapWriteRow),
    timers: commit.timers.map(toTimerWriteRow),
    sends: commit.sends.map(toEventRow),
  };
}

function toHoldRow({ key, order, position, attempts, retryAt }: Hold): HoldRow {
  return [key, order, position, attempts, retryAt];
}

function toReleaseRow({ key, from, to }: Release): ReleaseRow {
  return [key, from, to];
}

function toKeyUpdateRow({ key, state, next, parked }: KeyUpdate): KeyUpdateRow {
  return [key, state?.json ?? null, state?.version ?? null, next, parked ? 1 : 0];
}

function toGapWriteRow({ key, gap }: GapWrite): GapWriteRow {
  return gap === null ? [key, 0, 0, null] : [key, gap.next, gap.first, gap.since];
}

function toTimerWriteRow({ key, name, timer }: TimerWrite): TimerWriteRow {
  return timer === null ? [key, name, null, null, 0, null] : [key, name, timer.dueAt, timer.data, timer.attempts, timer.retryAt];
}

export function toLoggedEvent([position, key, id, number, acceptedAt, body, traceparent, origin]: LogRow): LoggedEvent {
  return { position, key, id, number, acceptedAt, body, traceparent, origin };
}

export function toHeldEvent(row: HeldRow): HeldEvent {
  const [position, key, id, number, acceptedAt, body, traceparent, origin, order, attempts, retryAt] = row;
  return { position, key, id, number, acceptedAt, body, traceparent, origin, order, attempts, retryAt };
}

/** Every column but those of held events and timers is null when nothing is known of the key. */
export function toKeyRecord([json, version, next, parked, heldFrom, held, gapRow, timers]: KeyRow): KeyRecord {
  const state = json === null || version === null ? null : { json, version };
  const gap = gapRow === null ? null : toGap(gapRow);
  return { state, next, parked: parked === 1, heldFrom, held, gap, timers: timers.map(([, ...timer]) => toStoredTimer(timer)) };
}

export function toStoredGap(row: GapRow): StoredGap {
  return { key: row[0], ...toGap(row) };
}

function toGap([, next, first, since]: GapRow): Gap {
  return { next, first, since };
}

export function toTimer([key, ...timer]: TimerRow): StoredTimer & { readonly key: string } {
  return { key, ...toStoredTimer(timer) };
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

function toStoredTimer([name, dueAt, data, attempts, retryAt]: TimerRow extends readonly [string, ...infer Rest]
  ? Rest
  : never): StoredTimer {
  return { name, dueAt, data, attempts, retryAt };
}
