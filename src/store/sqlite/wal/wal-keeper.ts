import type { DatabaseSync } from 'node:sqlite';
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { StoreLogger } from '../../store.ts';
import { LogWatch, logBytes } from './log-watch.ts';
import { type CopyOutcome, WriteAheadLog } from './write-ahead-log.ts';

/** The thread copies when so many frames came in: few enough for a short sync, so many that a page that changes often is copied seldom. */
const stepFrames = 4_000;
/**
 * How often it copies then: what came in, what came in during that, and so on. SQLite syncs the database at the end of a round
 * within which nobody committed. So the last ones are short, and each is asked for right after a commit, when the next is
 * farthest.
 */
const roundsOfStep = 3;
/** Once the log has so many frames, the writer copies the rest, and the log starts anew before it reaches the size that is kept. */
const framesMax = 12_000;
/** A longer rest would keep calls waiting; it is left to the thread's next step. */
const restFramesMax = 1_000;
/** If the thread has died, commits copy from here on, which is slow and keeps the log bounded. */
const framesWithoutThread = 64_000;
/** When there was no commit for so long, and at most for twice as long, nobody minds a short copy. */
const idleMs = 2_000;

export interface WalKeeperOptions {
  readonly path: string;
  /** The way to the thread that copies. */
  readonly port: MessagePort;
  /** Takes the warning of a reader that keeps the log from starting anew. */
  readonly log: StoreLogger;
  /** False for an SQLite on which nobody may copy beside the writer, see {@link WriteAheadLog.mayBeCopiedBeside}. */
  readonly mayBeCopiedBeside: boolean;
  /** Called when all of the log is in the database and the log is empty. */
  emptied(): void;
}

/**
 * The writer's part in keeping the write ahead log short. To copy it into the database, and to sync that, takes as long as many
 * commits. So another thread does it beside the writer, who copies only what came in during the last round. Then
 * all of the log is in the database, and the next commit writes at its beginning again, unless somebody still reads from it.
 *
 * When nobody writes for a while, all of the log goes to the database and it is cut back to nothing, so that the file
 * alone is the whole database. After that there is no work until the next commit.
 */
export class WalKeeper {
  readonly #path: string;
  readonly #wal: WriteAheadLog;
  readonly #emptied: () => void;
  readonly #port: MessagePort;
  readonly #watch: LogWatch;
  /** False on an older SQLite, on which the writer's commits do it all by themselves, now and then, until it is idle. */
  readonly #isNeeded: boolean;
  /** Runs from a commit on, until the log is empty. */
  #idle: NodeJS.Timeout | undefined;
  /** Whether nobody has written since it began to run. */
  #isQuiet = true;
  /** Rounds of the step under way that are not done. */
  #roundsLeft = 0;
  /** How long the log was when the last step began. */
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

  /** To be called after each transaction, once its callers know of it, and once at the start, for what a former owner left. */
  tend(): void {
    this.#isQuiet = false;
    this.#restLater();
    if (!this.#isNeeded) return;
    if (this.#roundsLeft === 0) this.#look();
    else this.#hear();
  }

  /** To be called before the connection is closed. */
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

  /** Goes on once the thread has answered; answers whether it has. */
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

  /** A long rest goes by way of the thread, since somebody may write just now. */
  #isRestShort(): boolean {
    if (!this.#isNeeded) return true;
    const isAsked = this.#roundsLeft > 0;
    const hasHeard = isAsked && this.#hear();
    const { frames, copied } = this.#wal.extent;
    if (frames - copied <= restFramesMax) return true;
    if (this.#roundsLeft === 0) this.#ask(frames, 1);
    // While the thread is at work the writer's own copy is refused; if the thread has died, it is the only way.
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
