import type { CauseName, StoredCause } from '../store/store.ts';

/** An event in memory that waits for its turn, or is having it. */
export interface Waiting {
  readonly kind: 'event';
  /** Its place in the lane: its number, or its position. */
  readonly order: number;
  readonly position: number;
  readonly id: string;
  readonly number: number | null;
  readonly acceptedAt: number;
  readonly body: string;
  readonly traceparent: string | null;
  /** The parsed body, for the first attempt, shared with nobody else. */
  readonly event?: unknown;
  /** The memory that both take up. */
  readonly bytes?: number | undefined;
  attempts: number;
  /** Earliest retry. */
  readonly retryAt: number | null;
  /** True if the store holds it, so that the cursor may pass it. */
  held: boolean;
}

/** The reason for a key's turn: a waiting event, a due timer, or a delivery's outcome. */
export type Cause = Waiting | StoredCause;

/** Identifies a timer or outcome within its key: no declared timer has a slash in its name. */
export function nameInKey(cause: CauseName): string {
  return cause.kind === 'timer' ? cause.name : `${cause.endpoint}/${cause.id}`;
}

/** Identifies a timer or outcome within its partition. */
export function nameInPartition(cause: CauseName): string {
  return `${cause.key.length} ${cause.key}${nameInKey(cause)}`;
}

/** Returns the name of a timer or outcome, without its other fields. */
export function nameOf(cause: CauseName): CauseName {
  const { kind, key } = cause;
  return kind === 'timer' ? { kind, key, name: cause.name } : { kind, key, endpoint: cause.endpoint, id: cause.id };
}

/** Describes a timer or outcome for reasons and messages: `timer unpaid`. */
export function describeCause(cause: CauseName): string {
  return cause.kind === 'timer' ? `timer ${cause.name}` : `outcome of delivery ${cause.id} to ${cause.endpoint}`;
}

/** The log fields that name a timer or outcome. */
export function causeFields(cause: CauseName): object {
  return cause.kind === 'timer' ? { timer: cause.name } : { endpoint: cause.endpoint, delivery: cause.id };
}
