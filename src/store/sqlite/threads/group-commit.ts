import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type ErrorCode, MillraceError, messageOf } from '../../../errors.ts';
import { isConstraint, toStoreError } from '../../node-sqlite/sqlite-errors.ts';
import type { ConnectionOptions } from '../file/open-database.ts';
import type { Room } from '../file/room.ts';
import { WriteLock } from '../file/write-lock.ts';

/** What became of a call. */
export type Outcome = { readonly value: unknown } | { readonly error: MillraceError };

/** What the calls of a group do. */
export interface GroupWork<Call> {
  /** Does a call within the group's transaction; answers its value, or throws. */
  run(call: Call): unknown;
  /** Forgets what it remembers of a transaction that was rolled back. Called within the next one. */
  reload(): void;
  /** Throws when what is about to be committed would be lost. */
  check(): void;
}

/** What a group asks of the disk, and tells of it. */
export type GroupRoom = Pick<Room, 'refusal' | 'ranOut' | 'landed'>;

/** How a transaction ended: with a value for each call, or with an error at one call, or at none in particular. */
type Attempt<Call> = { readonly values: readonly unknown[] } | { readonly error: MillraceError; readonly culprit: Call | undefined };

/** Errors of one call. Every other is the database's, and so the fate of all. */
const callErrors: ReadonlySet<ErrorCode> = new Set([
  'MILL_COMMIT_REFUSED',
  'MILL_INVALID_EFFECT',
  'MILL_STORE_FENCED',
  'MILL_CONFLICT',
  'MILL_INTERNAL',
]);

/**
 * Runs all the calls that wait in one transaction, so that they share one wait for the disk. The outcome is as if each
 * had had its own, one after the other: when one throws, the group is rolled back and runs again without it. That costs
 * less than a savepoint for each, since hardly any call throws. Nothing is told before COMMIT has returned (promise 1).
 */
export class GroupCommit<Call> {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #work: GroupWork<Call>;
  readonly #room: GroupRoom;
  readonly #lock: WriteLock;
  readonly #commit: StatementSync;
  #isStale = false;

  constructor(db: DatabaseSync, { path, busyTimeoutMs, room }: ConnectionOptions & { readonly room: GroupRoom }, work: GroupWork<Call>) {
    this.#db = db;
    this.#room = room;
    this.#path = path;
    this.#work = work;
    this.#lock = new WriteLock(db, busyTimeoutMs);
    this.#commit = db.prepare('COMMIT');
  }

  /** Tells the outcome of each call. Throws when the connection is lost for good: of what was not told nobody knows. */
  run(calls: readonly Call[], tell: (call: Call, outcome: Outcome) => void): void {
    if (calls.length === 0) return;
    const attempt = this.#attempt(calls);
    if ('values' in attempt) {
      for (const [i, call] of calls.entries()) tell(call, { value: attempt.values[i] });
      return;
    }
    const { error, culprit } = attempt;
    if (!callErrors.has(error.code) || calls.length === 1) {
      for (const call of calls) tell(call, { error });
    } else if (culprit !== undefined) {
      tell(culprit, { error });
      this.run(
        calls.filter((call) => call !== culprit),
        tell,
      );
    } else {
      // COMMIT found a deferred constraint to be violated and does not say by whom.
      for (const call of calls) this.run([call], tell);
    }
  }

  #attempt(calls: readonly Call[]): Attempt<Call> {
    const refusal = this.#room.refusal();
    if (refusal !== undefined) return { error: refusal, culprit: undefined };
    let culprit: Call | undefined;
    try {
      this.#lock.begin();
      if (this.#isStale) this.#work.reload();
      this.#isStale = false;
      const values = calls.map((call) => {
        culprit = call;
        return this.#work.run(call);
      });
      culprit = undefined;
      this.#work.check();
      this.#commit.run();
      this.#room.landed();
      return { values };
    } catch (thrown) {
      this.#isStale = true;
      // A full disk, or a trigger that says so, has rolled it back already.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      const error = culprit === undefined ? this.#commitError(thrown) : toStoreError(thrown, this.#path);
      if (error.code === 'MILL_STORE_FULL') this.#room.ranOut(error);
      return { error, culprit };
    }
  }

  /** The only constraints that COMMIT itself can fail by are deferred ones, and those are the users' own. */
  #commitError(thrown: unknown): MillraceError {
    if (!isConstraint(thrown)) return toStoreError(thrown, this.#path);
    return new MillraceError('MILL_COMMIT_REFUSED', `${this.#path}: ${messageOf(thrown)}`, { cause: thrown });
  }
}
