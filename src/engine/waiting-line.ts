import type { Lane } from './lane.ts';
import { Queue } from './queue.ts';

/** The dependencies of a waiting line, provided by its lanes. */
export interface WaitingLineMeans {
  /** Returns true if no further turn can start now. */
  isFull(): boolean;
  /** Returns true if the pipeline is paused: nothing proceeds. */
  isPaused(): boolean;
  /** Returns the number of lanes whose held events are being read back. */
  reloading(): number;
  /** Starts the turns of a lane while it is open and has one. */
  advance(lane: Lane): void;
}

/**
 * Maximum lanes that may be ready, or read back, before another whose moment has come proceeds. Retries of many keys may come due at once:
 * their events stay in the store until there is room, and the reads of other keys wait behind no more than these.
 */
const windowMax = 128;

/**
 * Everything that waits for a free slot, each kind in order of arrival:
 *
 * - *ready* lanes, which have a next turn;
 * - *applicants*, which wait outside of the lanes: the next event of the log, the next due timer;
 * - *rung* lanes, whose moment has come. They proceed while few are ready: then they become ready, or are read back first.
 *
 * Ready lanes and applicants take turns, so that neither starves the other, however many there are.
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

  /** Number of lanes waiting to proceed. */
  get length(): number {
    return this.#ready.length + this.#rung.length;
  }

  /** True if lanes whose moment has come wait for room to proceed. */
  get isCrowded(): boolean {
    return this.#rung.length > 0;
  }

  get hasReady(): boolean {
    return this.#ready.length > 0;
  }

  /** True if anything waits for a free slot. */
  get isWaiting(): boolean {
    return this.#ready.length + this.#applicants.length > 0;
  }

  /** Gives the lane its next turn when there is a free slot. */
  wait(lane: Lane): void {
    lane.queueUp();
    this.#ready.push(lane);
  }

  /** Notes that a lane's moment has come: it proceeds once there is room. */
  ring(lane: Lane): void {
    if (lane.isRung) return;
    lane.ring();
    this.#rung.push(lane);
    this.letRungGoOn();
  }

  /** Resolves to the result of `begin`, which is called when there is a slot for it, or when the line is closed. */
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

  /** Hands out free slots. */
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
      // It was parked while it waited.
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

  /** Lets nothing proceed any more; applicants learn of it when they begin. */
  close(): void {
    this.#closed = true;
    for (const applicant of this.#applicants.toArray()) applicant();
  }
}
