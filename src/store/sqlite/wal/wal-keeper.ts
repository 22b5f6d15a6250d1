import type { DatabaseSync } from 'node:sqlite';
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { StoreLogger } from '../../store.ts';
import { LogWatch, logBytes } from './log-watch.ts';
import { type CopyOutcome, WriteAheadLog } from './write-ahead-log.ts';

/**
 * The thread copies after this many new frames: few enough for a short sync, and enough that a frequently changed page is copied rarely.
 */
const stepFrames = 4_000;
/**
 * Number of rounds it then makes: first the new frames, then those that came during that, and so on. SQLite syncs the database at the end
 * of a round during which nobody committed. So the last rounds are short, and each is requested right after a commit, when the next is
 * farthest away.
 */
const roundsOfStep = 3;
/** Once the log has this many frames, the writer copies the rest, and the log restarts before it exceeds the size that is kept. */
const framesMax = 12_000;
/** A longer rest would make calls wait; it is left to the thread's next step. */
const restFramesMax = 1_000;
/** If the thread has died, commits copy from this size on, which is slow but limits the log. */
const framesWithoutThread = 64_000;
/** After this long without a commit, and after at most twice as long, a short copy bothers nobody. */
const idleMs = 2_000;

export interface WalKeeperOptions {
  readonly path: string;
  /** The channel to the copying thread. */
  readonly port: MessagePort;
  /** Receives the warning about a reader that keeps the log from restarting. */
  readonly log: StoreLogger;
  /** False for an SQLite version on which nobody may copy beside the writer, see {@link WriteAheadLog.mayBeCopiedBeside}. */
  readonly mayBeCopiedBeside: boolean;
  /** Called when the whole log is in the database and the log is empty. */
  emptied(): void;
}

/**
 * The writer's part in keeping the write-ahead log short. Copying it into the database, and syncing that, takes as long as many commits. So
 * another thread does it beside the writer, who copies only the additions during the last round. Then the whole log is in the database, and
 * the next commit writes at its beginning again, unless somebody still reads from it.
 *
 * If nobody writes for a while, the whole log goes to the database and is truncated, so that the file alone is the complete database. After
 * that there is no work until the next commit.
 */
export class WalKeeper {
  readonly #path: string;
  readonly #wal: WriteAheadLog;
  readonly #emptied: () => void;
  readonly #port: MessagePort;
  readonly #watch: LogWatch;
  /** False on an older SQLite, where the writer's commits occasionally do all the copying until it is idle. */
  readonly #isNeeded: boolean;
  /** Runs from a commit until the log is empty. */
  #idle: NodeJS.Timeout | undefined;
  /** True if nobody has written since it started. */
  #isQuiet = true;
  /** Remaining rounds of the step under way. */
  #roundsLeft = 0;
  /** The log's length when the last step began. */
  #framesThen = 0;

  constructor(db: DatabaseSync, { path, port, log, mayBeCopiedBeside, emptied }: WalKeeperOptions) {
    this.#emptied = emptied;
    this.#path = path;
    this.#wal = new WriteAheadLog(db, path);
    this.#port = port;
    this.#watch = new LogWatch(path, log);
    this.#isNeeded = mayBeCopiedBeside;
    if (this.#isNeeded) db.exec(`PRAGMA wal_autocheckpoint = ${framesWithoutThread}`);
  }

  /** Call it after each transaction, once its callers are notified, and once at the start, for a previous owner's log. */
  tend(): void {
    this.#isQuiet = false;
    this.#restLater();
    if (!this.#isNeeded) return;
    if (this.#roundsLeft === 0) this.#look();
    else this.#hear();
  }

  /** Call it before the connection is closed. */
  close(): void {
    clearTimeout(this.#idle);
    this.#wal.close();
  }

  #look(): void {
    const { frames } = this.#wal.extent;
    const isAnew = frames < this.#framesThen;
    if (isAnew) this.#startedAnew();
    if (frames - this.#framesThen < stepFrames) return;
    this.#ask(frames, roundsOfStep);
  }

  /** Continues once the thread has answered; returns whether it has. */
  #hear(): boolean {
    const outcome: CopyOutcome | undefined = receiveMessageOnPort(this.#port)?.message;
    if (outcome === undefined) return false;
    if (outcome === 'held') this.#watch.held();
    this.#roundsLeft -= 1;
    if (this.#roundsLeft > 0) this.#port.postMessage('copy');
    else this.#finish();
    return true;
  }

  #finish(): void {
    const { frames, copied } = this.#wal.extent;
    if (frames >= framesMax && frames - copied <= restFramesMax) this.#wal.copy();
  }

  #ask(frames: number, rounds: number): void {
    this.#framesThen = frames;
    this.#roundsLeft = rounds;
    this.#port.postMessage('copy');
  }

  #restLater(): void {
    this.#idle ??= setTimeout(() => {
      this.#idle = undefined;
      if (this.#isQuiet) this.#rest();
      else this.#restLater();
      this.#isQuiet = true;
    }, idleMs).unref();
  }

  #rest(): void {
    if (logBytes(this.#path) === 0) return;
    if (this.#isRestShort()) this.#empty();
    // Somebody reads from the log, or the thread copies.
    if (logBytes(this.#path) > 0) this.#restLater();
  }

  /** A long rest goes through the thread, since somebody may be writing just now. */
  #isRestShort(): boolean {
    if (!this.#isNeeded) return true;
    const isAsked = this.#roundsLeft > 0;
    const hasHeard = isAsked && this.#hear();
    const { frames, copied } = this.#wal.extent;
    if (frames - copied <= restFramesMax) return true;
    if (this.#roundsLeft === 0) this.#ask(frames, 1);
    // While the thread is working the writer's own copy is refused; if the thread has died, it is the only way.
    return isAsked && !hasHeard;
  }

  #empty(): void {
    const outcome = this.#wal.empty();
    if (outcome === 'held') this.#watch.held();
    if (outcome !== 'copied') return;
    this.#startedAnew();
    this.#emptied();
  }

  #startedAnew(): void {
    this.#framesThen = 0;
    this.#watch.startedAnew();
  }
}
