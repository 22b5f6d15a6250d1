import type { DatabaseSync } from 'node:sqlite';
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { WriteAheadLog } from './write-ahead-log.ts';

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

/**
 * The writer's part in keeping the write ahead log short. To copy it into the database, and to sync that, takes as long as many
 * commits. So another thread does it beside the writer, who copies only what came in during the last round. Then
 * all of the log is in the database, and the next commit writes at its beginning again, unless somebody still reads from it.
 */
export class WalKeeper {
  readonly #wal: WriteAheadLog;
  readonly #port: MessagePort;
  /** False on an older SQLite, on which the writer's commits do it all by themselves, now and then. */
  readonly #isNeeded: boolean;
  /** Rounds of the step under way that are not done. */
  #roundsLeft = 0;
  /** How long the log was when the last step began. */
  #framesThen = 0;

  /** @param port the way to the thread that copies */
  constructor(db: DatabaseSync, path: string, port: MessagePort) {
    this.#wal = new WriteAheadLog(db, path);
    this.#port = port;
    this.#isNeeded = WriteAheadLog.mayBeCopiedBeside(db);
    if (this.#isNeeded) db.exec(`PRAGMA wal_autocheckpoint = ${framesWithoutThread}`);
  }

  /** To be called after each transaction, once its callers know of it; a database that nobody writes needs no care. */
  tend(): void {
    if (!this.#isNeeded) return;
    if (this.#roundsLeft === 0) this.#watch();
    else if (receiveMessageOnPort(this.#port) !== undefined) this.#goOn();
  }

  #watch(): void {
    const { frames } = this.#wal.extent;
    const isAnew = frames < this.#framesThen;
    if (isAnew) this.#framesThen = 0;
    if (frames - this.#framesThen < stepFrames) return;
    this.#framesThen = frames;
    this.#roundsLeft = roundsOfStep;
    this.#ask();
  }

  #goOn(): void {
    this.#roundsLeft -= 1;
    if (this.#roundsLeft > 0) this.#ask();
    else this.#finish();
  }

  #finish(): void {
    const { frames, copied } = this.#wal.extent;
    if (frames >= framesMax && frames - copied <= restFramesMax) this.#wal.copy();
  }

  #ask(): void {
    this.#port.postMessage('copy');
  }
}
