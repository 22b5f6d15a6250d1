import type { AuditEntry } from './audit.ts';
import type { DeadLetterFilter } from './dead-letters.ts';

/**
 * - `starting`: it begins at its set moment, and can be undone until then.
 * - `running`: its letters are fixed, and some may have been resolved.
 * - `ended`: each of its letters was examined.
 * - `undone`: it was called off before it began.
 * - `stopped`: it was interrupted; what it has done stays done.
 */
export type OperationState = 'starting' | 'running' | 'ended' | 'undone' | 'stopped';

/** An operator's action on many dead letters of a pipeline. Moments are milliseconds since 1970. */
export interface StoredOperation {
  readonly id: string;
  readonly action: 'redrive' | 'discard';
  readonly pipeline: string;
  /** Selects the letters. */
  readonly filter: Omit<DeadLetterFilter, 'pipeline'>;
  readonly who: string | null;
  readonly reason: string | null;
  readonly askedAt: number;
  /** The time at which it begins. */
  readonly startsAt: number;
  readonly state: OperationState;
  readonly begunAt: number | null;
  readonly endedAt: number | null;
  /** Number of letters when it began; 0 before. */
  readonly matched: number;
  /** The last letter that existed when it began; null before, or if there was none. */
  readonly upTo: string | null;
  /** The last letter examined; empty before the first. */
  readonly reached: string;
  /** Number of letters it has resolved. */
  readonly done: number;
  /** Number of letters that could not be resolved, such as a gap, which cannot be redriven. They are still listed. */
  readonly refused: number;
}

/** The progress of an operation in a commit: that many more letters are resolved. */
export interface OperationProgress {
  readonly id: string;
  readonly done: number;
}

/** Changed fields of an operation. */
export type OperationChange = Partial<Pick<StoredOperation, 'state' | 'begunAt' | 'endedAt' | 'matched' | 'upTo' | 'reached' | 'refused'>>;

export interface OperationQuery {
  readonly id?: string | undefined;
  readonly pipeline?: string | undefined;
  /** Only those that are starting or running. */
  readonly isOpen?: boolean | undefined;
  /** Only those before the one with this id. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** Stores the operations that act on many dead letters. */
export interface Operations {
  /** Stores a new operation, and records who asked for it. */
  add(operation: StoredOperation, entry?: AuditEntry): Promise<void>;

  /** Returns the latest first. */
  list(query: OperationQuery): Promise<readonly StoredOperation[]>;

  /** Changes an operation if it still matches `from`, and records who did it. Returns false if somebody else has changed it. */
  change(id: string, from: Pick<StoredOperation, 'state' | 'reached'>, change: OperationChange, entry?: AuditEntry): Promise<boolean>;
}
