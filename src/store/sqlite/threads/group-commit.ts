import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type ErrorCode, MillraceError, messageOf } from '../../../errors.ts';
import { isConstraint, toStoreError } from '../../node-sqlite/sqlite-errors.ts';
import type { Room } from '../file/room.ts';
import type { WriteLock } from '../file/write-lock.ts';

/** The result of a request. */
export type Outcome = { readonly value: unknown } | { readonly error: MillraceError };

/** Does the work of a group's requests. */
export interface GroupWork<Request> {
  /** Runs a request within the group's transaction; returns its value, or throws. */
  run(request: Request): unknown;
  /** Drops cached data of a transaction that was rolled back. Called within the next one. */
  reload(): void;
  /** Throws if the pending commit would be lost. */
  check(): void;
}

/** The disk-space checks of a group. */
export type GroupRoom = Pick<Room, 'refusal' | 'ranOut' | 'landed'>;

/** The target of a group's writes. */
export interface GroupPlace {
  readonly path: string;
  readonly room: GroupRoom;
  readonly lock: WriteLock;
}

/** The end of a transaction: a value for each request, or an error at one request or at none in particular. */
type Attempt<Request> = { readonly values: readonly unknown[] } | { readonly error: MillraceError; readonly culprit: Request | undefined };

/** Errors of a single request. All others are the database's, and so affect everyone. */
const requestErrors: ReadonlySet<ErrorCode> = new Set([
  'MILL_COMMIT_REFUSED',
  'MILL_INVALID_EFFECT',
  'MILL_STORE_FENCED',
  'MILL_CONFLICT',
  'MILL_INTERNAL',
]);

/**
 * Runs all waiting requests in one transaction, so that they share one wait for the disk. The result is as if each had had its own, one
 * after another: if one throws, the group is rolled back and runs again without it. That costs less than a savepoint for each, since hardly
 * any request throws. Nothing is reported before COMMIT has returned (promise 1).
 */
export class GroupCommit<Request> {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #work: GroupWork<Request>;
  readonly #room: GroupRoom;
  readonly #lock: WriteLock;
  readonly #commit: StatementSync;
  #isStale = false;

  constructor(db: DatabaseSync, { path, room, lock }: GroupPlace, work: GroupWork<Request>) {
    this.#db = db;
    this.#room = room;
    this.#path = path;
    this.#work = work;
    this.#lock = lock;
    this.#commit = db.prepare('COMMIT');
  }

  /** Reports the outcome of each request. Throws when the connection is lost for good: unreported outcomes are unknown. */
  run(requests: readonly Request[], tell: (request: Request, outcome: Outcome) => void): void {
    if (requests.length === 0) return;
    const attempt = this.#attempt(requests);
    if ('values' in attempt) {
      for (const [i, request] of requests.entries()) tell(request, { value: attempt.values[i] });
      return;
    }
    const { error, culprit } = attempt;
    if (!requestErrors.has(error.code) || requests.length === 1) {
      for (const request of requests) tell(request, { error });
    } else if (culprit !== undefined) {
      tell(culprit, { error });
      this.run(
        requests.filter((request) => request !== culprit),
        tell,
      );
    } else {
      // COMMIT found a violated deferred constraint, and does not say whose.
      for (const request of requests) this.run([request], tell);
    }
  }

  #attempt(requests: readonly Request[]): Attempt<Request> {
    const refusal = this.#room.refusal();
    if (refusal !== undefined) return { error: refusal, culprit: undefined };
    let culprit: Request | undefined;
    try {
      this.#lock.begin();
      if (this.#isStale) this.#work.reload();
      this.#isStale = false;
      const values = requests.map((request) => {
        culprit = request;
        return this.#work.run(request);
      });
      culprit = undefined;
      this.#work.check();
      this.#commit.run();
      this.#room.landed();
      return { values };
    } catch (thrown) {
      this.#isStale = true;
      // A full disk, or a trigger, may have rolled it back already.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      const error = culprit === undefined ? this.#commitError(thrown) : toStoreError(thrown, this.#path);
      if (error.code === 'MILL_STORE_FULL') this.#room.ranOut(error);
      return { error, culprit };
    }
  }

  /** COMMIT itself can only fail on deferred constraints, which are the users' own. */
  #commitError(thrown: unknown): MillraceError {
    if (!isConstraint(thrown)) return toStoreError(thrown, this.#path);
    return new MillraceError('MILL_COMMIT_REFUSED', `${this.#path}: ${messageOf(thrown)}`, { cause: thrown });
  }
}
