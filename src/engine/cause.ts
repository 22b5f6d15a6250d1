import type { CauseName, StoredCause } from '../store/store.ts';

/** An event in memory that waits for its turn, or has it. */
export interface Waiting {
  readonly kind: 'event';
  /** Its place in the lane: the event's number, or its position. */
  readonly order: number;
  readonly position: number;
  readonly id: string;
  readonly number: number | null;
  readonly acceptedAt: number;
  readonly body: string;
  readonly traceparent: string | null;
  /** The parsed body, for the first attempt: what others have no part of. */
  readonly event?: unknown;
  /** What both take up in memory. */
  readonly bytes?: number | undefined;
  attempts: number;
  /** Not to be tried before. */
  readonly retryAt: number | null;
  /** Whether the store holds it, so that the cursor may pass it. */
  held: boolean;
}

/** Why a key has a turn: an event that waits, a timer that has come due, or the outcome of a delivery. */
export type Cause = Waiting | StoredCause;

/** Tells a timer or outcome from the others of its key: no timer that a pipeline declares has a slash in its name. */
export function nameInKey(cause: CauseName): string {
  return cause.kind === 'timer' ? cause.name : `${cause.endpoint}/${cause.id}`;
}

/** Tells a timer or outcome from the others of its partition. */
export function nameInPartition(cause: CauseName): string {
  return `${cause.key.length} ${cause.key}${nameInKey(cause)}`;
}

/** The name of a timer or outcome, without anything else that is known of it. */
export function nameOf(cause: CauseName): CauseName {
  const { kind, key } = cause;
  return kind === 'timer' ? { kind, key, name: cause.name } : { kind, key, endpoint: cause.endpoint, id: cause.id };
}

/** A timer or outcome in words, for reasons and messages: `timer unpaid`. */
export function describeCause(cause: CauseName): string {
  return cause.kind === 'timer' ? `timer ${cause.name}` : `outcome of delivery ${cause.id} to ${cause.endpoint}`;
}

/** The fields by which the log names a timer or outcome. */
export function causeFields(cause: CauseName): object {
  return cause.kind === 'timer' ? { timer: cause.name } : { endpoint: cause.endpoint, delivery: cause.id };
}
