import type { Lane } from './lane.ts';
import { Queue } from './queue.ts';

/** What a waiting line works with; its lanes provide it. */
export interface WaitingLineMeans {
  /** Whether no further turn can start now. */
  isFull(): boolean;
  /** Whether the pipeline is paused: nobody goes on. */
  isPaused(): boolean;
  /** Lanes whose held events are being read back. */
  reloading(): number;
  /** Starts the turns of a lane for as long as it is open and has one. */
  advance(lane: Lane): void;
}

/**
 * Lanes that may be ready, or read back, before any further whose moment has come goes on. Retries of many keys may come due at once:
 * what they wait for stays in the store until there is room, and the reads of other keys wait for no more than these.
 */
const windowMax = 128;

/**
 * Those who wait for a free place, each kind in the order in which it came:
 *
 * - *ready* lanes, which have a next turn;
 * - *applicants*, which wait outside of the lanes: the next event of the log, the next due timer;
 * - *rung* lanes, whose moment has come. They go on while few are ready: then they become ready, or are read back first.
 *
 * Ready lanes and applicants take turns, so that neither keeps the others waiting, however many there are.
 */
export class WaitingLine {
  readonly #means: WaitingLineMeans;
  readonly #ready = new Queue<Lane>();
  readonly #applicants = new Queue<() => void>();
  readonly #rung = new Queue<Lane>();
  #isApplicantsTurn = false;
  #closed = false;

  constructor(means: WaitingLineMeans) {
    this.#means = means;
  }

  /** Lanes that wait to go on. */
  get length(): number {
    return this.#ready.length + this.#rung.length;
  }

  /** Whether lanes whose moment has come wait for room to go on. */
  get isCrowded(): boolean {
    return this.#rung.length > 0;
  }

  get hasReady(): boolean {
    return this.#ready.length > 0;
  }

  /** Whether anything waits for a free place. */
  get isWaiting(): boolean {
    return this.#ready.length + this.#applicants.length > 0;
  }

  /** The lane has its next turn when there is a free place. */
  wait(lane: Lane): void {
    lane.queueUp();
    this.#ready.push(lane);
  }

  /** The moment of a lane has come: it goes on once there is room. */
  ring(lane: Lane): void {
    if (lane.isRung) return;
    lane.ring();
    this.#rung.push(lane);
    this.letRungGoOn();
  }

  /** Resolves to what `begin` returns, which is called when there is a free place for it, or when the line is closed. */
  async inTurn<T>(begin: () => T): Promise<T> {
    if (this.#closed) return begin();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#applicants.push(() => {
      try {
        resolve(begin());
      } catch (error) {
        reject(error);
      }
    });
    return promise;
  }

  /** Gives free places to those who wait. */
  resume(): void {
    while (!this.#means.isFull() && !this.#closed) {
      const applicant = this.#isApplicantsTurn || this.#ready.length === 0 ? this.#applicants.shift() : undefined;
      this.#isApplicantsTurn = applicant === undefined;
      if (applicant !== undefined) {
        applicant();
        continue;
      }
      const lane = this.#ready.shift();
      if (lane === undefined) break;
      // One that was parked while it waited.
      if (lane.status !== 'ready') continue;
      lane.takePlace();
      this.#means.advance(lane);
    }
    this.letRungGoOn();
  }

  letRungGoOn(): void {
    while (this.#hasRoomForRung) {
      const lane = this.#rung.shift();
      if (lane === undefined) return;
      lane.goOn();
      this.#means.advance(lane);
    }
  }

  get #hasRoomForRung(): boolean {
    if (this.#closed || this.#means.isPaused()) return false;
    return this.#ready.length < windowMax && this.#means.reloading() < windowMax;
  }

  /** Nobody goes on any more; applicants learn of it by what they begin. */
  close(): void {
    this.#closed = true;
    for (const applicant of this.#applicants.toArray()) applicant();
  }
}
