import type { AuditEntry } from './audit.ts';
import type { DeadLetterFilter } from './dead-letters.ts';

/**
 * - `starting`: it begins at its moment, and can be undone until then.
 * - `running`: its letters are fixed, and some of them may be resolved.
 * - `ended`: each of its letters was looked at.
 * - `undone`: it was called off before it began.
 * - `stopped`: it was broken off; what it has done stays done.
 */
export type OperationState = 'starting' | 'running' | 'ended' | 'undone' | 'stopped';

/** Something that an operator has done to many dead letters of a pipeline. Moments are milliseconds since 1970. */
export interface StoredOperation {
  readonly id: string;
  readonly action: 'redrive' | 'discard';
  readonly pipeline: string;
  /** Which letters. */
  readonly filter: Omit<DeadLetterFilter, 'pipeline'>;
  readonly who: string | null;
  readonly reason: string | null;
  readonly askedAt: number;
  /** When it begins. */
  readonly startsAt: number;
  readonly state: OperationState;
  readonly begunAt: number | null;
  readonly endedAt: number | null;
  /** How many letters there were when it began; 0 before. */
  readonly matched: number;
  /** The last letter that there was when it began; null before, or where there was none. */
  readonly upTo: string | null;
  /** The last letter that was looked at; empty before the first. */
  readonly reached: string;
  /** How many letters it has resolved. */
  readonly done: number;
  /** How many could not be resolved, such as a gap, which cannot be redriven. They are still listed. */
  readonly refused: number;
}

/** What an operation has come to with a commit: so many more letters are resolved by it. */
export interface OperationProgress {
  readonly id: string;
  readonly done: number;
}

/** What changes of an operation. */
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

/** Where a database keeps what operators do to many dead letters. */
export interface Operations {
  /** Keeps a new one, and notes who has asked for it. */
  add(operation: StoredOperation, entry?: AuditEntry): Promise<void>;

  /** The latest first. */
  list(query: OperationQuery): Promise<readonly StoredOperation[]>;

  /**
   * Changes one, as long as it stands as `from` says, and notes who did it. Returns whether it did: otherwise somebody else has changed it.
   */
  change(id: string, from: Pick<StoredOperation, 'state' | 'reached'>, change: OperationChange, entry?: AuditEntry): Promise<boolean>;
}
