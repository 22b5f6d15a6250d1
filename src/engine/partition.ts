import { type ErrorCode, MillraceError, messageOf } from '../errors.ts';
import { faultFields, faultOf } from '../fault.ts';
import type { FaultyRow } from '../pipeline/source-rows.ts';
import type { Claim, DeadLetter, PartitionId } from '../store/store.ts';
import { checkBacklog } from './accepted-otherwise.ts';
import { pauseMs } from './backoff.ts';
import { discardWaiting } from './discard-waiting.ts';
import type { FedEvent } from './feed.ts';
import { Ledger } from './ledger.ts';
import { Calls } from './outbox/calls.ts';
import { Refusals } from './refusals.ts';
import { Tenure, type TenureMeans } from './tenure.ts';
import { Waits } from './waits.ts';

/** What a partition works with; the engine provides it. */
export interface PartitionMeans
  extends Omit<TenureMeans, 'partition' | 'refusals' | 'ledger' | 'waits' | 'calls' | 'progressed' | 'failed'> {
  /** The store failed for good. */
  fatal(error: MillraceError): void;
}

/** How fast a partition is claimed again after failures in a row; the first time at once. */
const recovery = { backoffMs: 50, backoffMsMax: 5_000, jitter: 0.5, attempts: Number.POSITIVE_INFINITY };

/** A store that another program keeps locked says so at once, and is free from one moment to the next. */
const recoveryFromLock = { ...recovery, backoffMsMax: 50 };

/**
 * A partition at work: a tenure, and after a failure of the store the next one. When a commit fails nobody knows what is
 * on disk, so everything in memory is dropped, the partition claimed again, and the work goes on from the cursor as
 * after a crash (promises 2, 8): there is no second way back.
 */
export class Partition {
  readonly id: PartitionId;
  /** What keeps it from making progress; undefined while all is well. */
  trouble: string | undefined;
  readonly #means: PartitionMeans;
  readonly #refusals = new Refusals();
  readonly #ledger: Ledger;
  readonly #waits: Waits;
  readonly #calls: Calls;
  #tenure: Tenure | undefined;
  #recovering: Promise<void> | undefined;
  /** No further call begins. */
  #isResting = false;
  /** It works no more: the engine stops, or the store has failed for good. */
  #isOver = false;
  /** In a row, without a commit between them. */
  #failures = 0;
  /** The highest position told of before there was a tenure. */
  #told = 0;
  /** Whether there may be more in the log than the claim under way will tell. */
  #mustLook = false;
  /** Events on their way to the log. */
  #arriving = 0;
  /** When something was settled last, or a look at an idle partition found it busy; in elapsed time. */
  #progressAt: number | undefined;

  constructor(means: PartitionMeans, id: PartitionId) {
    this.id = id;
    this.#means = means;
    this.#ledger = new Ledger(means.counters);
    this.#waits = new Waits(means);
    this.#calls = new Calls(id.pipeline, means);
  }

  /** Claims the partition and sets to work. Throws what the store throws, and `MILL_INVALID_DECLARATION` for events that the pipeline cannot take over. */
  async start(): Promise<void> {
    this.#isOver = false;
    const claim = await this.#means.store.claim(this.id);
    await checkBacklog(this.#means.store, this.id, this.#means.pipeline, claim);
    this.#begin(claim);
  }

  /** Accepted or on their way, and not settled; where events share keys, those left out that wait for their key and not for room to send. */
  get backlog(): number {
    const { pipeline } = this.#means;
    const waiting = pipeline.key === undefined ? this.#ledger.unsettled : this.#present.backlog + this.#present.throttled;
    return waiting + this.#arriving;
  }

  /** Accepted and not settled events that wait in the store. */
  get held(): number {
    return Math.max(0, this.#ledger.unsettled - (this.#tenure?.backlog ?? 0));
  }

  /** Whether something is left that could be done now. */
  get hasWork(): boolean {
    return !this.#isOver && (this.#recovering !== undefined || !this.#present.isIdle);
  }

  /** For how long, as far as looks at it tell, there has been work and nothing was settled. */
  silentMs(): number {
    const now = this.#means.clock.elapsedMs();
    if (this.hasWork) this.#progressAt ??= now;
    else this.#progressAt = undefined;
    return now - (this.#progressAt ?? now);
  }

  /** Tells of accepted events, in position order. */
  offer(events: readonly FedEvent[]): void {
    // At the start another partition may send before this one is claimed.
    if (this.#tenure === undefined) this.#told = Math.max(this.#told, events.at(-1)?.position ?? 0);
    else this.#tenure.offer(events);
  }

  /** Nobody knows whether there is more in the log than was told of. */
  look(): void {
    if (this.#tenure === undefined || this.#recovering !== undefined) this.#mustLook = true;
    void this.#tenure?.look();
  }

  /**
   * An event is about to go to the log; false when `pendingMax` wait for its key or are on their way to it already, as far as
   * the key is in memory. Among numbered ones the one that all others wait for must come in.
   */
  arrive(key: string, number: number | null, pendingMax: number): boolean {
    // A key of its own waits for nothing.
    const lane = this.#means.pipeline.key === undefined ? undefined : this.#present.lanes.peek(key);
    if (lane !== undefined) {
      const isAwaited = number !== null && number === lane.next;
      if (!isAwaited && lane.pending + lane.arriving >= pendingMax) return false;
      lane.arriving += 1;
    }
    this.#arriving += 1;
    return true;
  }

  /** It has come, or will not. */
  arrived(key: string, accepted: boolean): void {
    this.#arriving -= 1;
    if (accepted) return;
    const lane = this.#present.lanes.peek(key);
    if (lane !== undefined && lane.arriving > 0) lane.arriving -= 1;
  }

  /** Resolves once every event accepted before the call (for some keys, or all) is settled or waits for its key. */
  caughtUp(keys?: readonly string[]): Promise<void> {
    return this.#present.caughtUp(keys);
  }

  /** Resolves once nothing is left that could be done now. */
  async idle(): Promise<void> {
    await this.#recovering;
    await this.#present.idle();
  }

  /** Resolves once nothing is left to do for a key now: its events, and what they asked for, are done or wait for a retry or an operator. */
  async finished(key: string): Promise<void> {
    for (let tenure: Tenure | undefined; tenure !== this.#tenure && !this.#isOver; ) {
      await this.#recovering;
      tenure = this.#present;
      await tenure.finished(key);
      await this.#recovering;
    }
    // What was aborted in a turn that is tried again must not begin by itself then.
    if (!this.#present.isBlocked(key)) this.#calls.restore(key);
  }

  /** What was cancelled of a key may begin again. */
  restore(key: string): void {
    this.#calls.restore(key);
  }

  /** Aborts what a key has under way, which has failed, and lets go of what it has not begun. */
  abort(key: string, reason: MillraceError): void {
    this.#present.abort(key, reason);
  }

  /** Begins no further call of an endpoint. */
  rest(): void {
    this.#isResting = true;
    this.#tenure?.rest();
  }

  redrive(letter: DeadLetter): Promise<void> {
    return this.#present.redrive(letter);
  }

  discard(letter: DeadLetter): Promise<void> {
    return this.#present.discard(letter);
  }

  /**
   * Makes a dead letter of a row, unless its origin is pending already. Resolves when it is on disk, or the partition works no more.
   * After a failure of the store nobody knows whether it is on disk: the store is asked before the next tenure tries again.
   */
  async bury(row: FaultyRow): Promise<void> {
    while (!this.#isOver) {
      await this.#recovering;
      const pending = await this.#means.store.pendingOrigins(this.id, [row.origin]);
      if (pending.length > 0) return;
      await this.#present.bury(row);
    }
  }

  /** The pipeline was paused or resumed. */
  pauseChanged(): void {
    // A pause is no time without progress.
    this.#progressAt = undefined;
    this.#tenure?.pauseChanged();
  }

  /**
   * Discards what waits in a paused pipeline, or of one key of it; returns how many events that were. The present tenure ends for it, and
   * the next one begins with what is left.
   */
  async discardWaiting(only: string | undefined): Promise<number> {
    while (this.#recovering !== undefined && !this.#isOver) await this.#recovering;
    if (this.#isOver) throw new MillraceError('MILL_STOPPING', 'the engine is stopping');
    const discarded = this.#discardWaiting(only);
    this.#recovering = this.#beginAgain(discarded);
    return discarded;
  }

  /** Removes all deliveries of an endpoint that is not declared; returns how many there were. */
  withdraw(endpoint: string): Promise<number> {
    return this.#present.withdraw(endpoint);
  }

  /** Drops everything in memory and goes on from what is on disk, since the store failed. */
  recover(error: unknown): void {
    this.trouble = messageOf(error);
    // The claim under way may have missed what took effect although it failed.
    if (this.#recovering !== undefined) this.#mustLook = true;
    if (this.#recovering !== undefined || this.#isOver) return;
    this.#recovering = this.#startOver(error);
  }

  /** Hands unfinished work back, commits what is finished, and ends. */
  async stop(): Promise<void> {
    this.#isOver = true;
    const reason = new MillraceError('MILL_STOPPING', 'the engine is stopping');
    await this.#tenure?.end(reason);
    this.#waits.close();
    await this.#calls.close(reason);
    await this.#tenure?.commitRest();
  }

  get #present(): Tenure {
    if (this.#tenure !== undefined) return this.#tenure;
    throw new MillraceError('MILL_STOPPING', 'the engine is not started');
  }

  #begin(claim: Claim): void {
    const { pipeline } = this.#means;
    if (this.#isOver) return;
    // What was appended after the claim may have been told of before the claim was answered.
    const head = Math.max(claim.head, this.#tenure?.head ?? this.#told);
    const tenure: Tenure = new Tenure(
      {
        ...this.#means,
        partition: this.id,
        refusals: this.#refusals,
        ledger: this.#ledger,
        waits: this.#waits,
        calls: this.#calls,
        progressed: (hasSettled) => {
          this.#failures = 0;
          this.trouble = undefined;
          if (hasSettled) this.#progressAt = this.#means.clock.elapsedMs();
        },
        failed: (error) => {
          if (tenure === this.#tenure) this.recover(error);
        },
      },
      claim,
      head,
    );
    this.#tenure = tenure;
    // From here on its failure is one to recover from.
    this.#recovering = undefined;
    this.#ledger.recount(claim.held + head - (pipeline.order === undefined ? claim.cursor : claim.head), claim);
    this.#means.room.changed();
    if (this.#isResting) tenure.rest();
    tenure.start();
    if (!this.#mustLook) return;
    this.#mustLook = false;
    void tenure.look();
  }

  async #discardWaiting(only: string | undefined): Promise<number> {
    const tenure = this.#present;
    await tenure.end(new MillraceError('MILL_STORE_UNAVAILABLE', 'what waits is being discarded'));
    await tenure.commitRest();
    const discarded = (events: number, letters: readonly string[]) => this.#ledger.discarded(events, letters);
    return discardWaiting({ store: this.#means.store, partition: this.id, pipeline: this.#means.pipeline, discarded }, only);
  }

  /** @param work what no tenure may be at work for */
  async #beginAgain(work: Promise<unknown>): Promise<void> {
    try {
      await work;
      if (!this.#isOver) this.#begin(await this.#means.store.claim(this.id));
    } catch (error) {
      this.trouble = messageOf(error);
      await this.#claimAgain(error);
    }
  }

  async #startOver(cause: unknown): Promise<void> {
    await this.#present.end(new MillraceError('MILL_STORE_UNAVAILABLE', 'the partition is being recovered'));
    this.#present.abandon();
    await this.#claimAgain(cause);
  }

  /** After a failure: claims the partition again, as often as it takes. */
  async #claimAgain(cause: unknown): Promise<void> {
    const { log, fatal } = this.#means;
    let lastCode: ErrorCode | undefined;
    for (let failure = asFailure(cause); !this.#isOver; ) {
      if (!failure.retryable && failure.code !== 'MILL_COMMIT_REFUSED') {
        this.#isOver = true;
        return fatal(failure);
      }
      const { code } = failure;
      // One line tells of a lock, however often it is tried.
      if (code !== 'MILL_STORE_BUSY' || code !== lastCode) {
        log.warn({ pipeline: this.id.pipeline, slice: this.id.slice, code, ...fieldsOf(failure) }, 'starting over');
      }
      lastCode = code;
      await this.#pause(code === 'MILL_STORE_BUSY' ? recoveryFromLock : recovery);
      // A claim after the end would take the partition from whoever comes next.
      if (this.#isOver) return;
      try {
        this.#begin(await this.#means.store.claim(this.id));
        return;
      } catch (next) {
        failure = asFailure(next);
        this.trouble = failure.message;
      }
    }
  }

  async #pause(policy: typeof recovery): Promise<void> {
    const { clock, random } = this.#means;
    this.#failures += 1;
    if (this.#failures === 1) return;
    await new Promise<void>((resolve) => clock.after(pauseMs(policy, this.#failures - 1, random()), resolve));
  }
}

/** The log fields of a failure; only an unexpected one has a stack. */
function fieldsOf(failure: MillraceError): object {
  const { reason, stack } = faultOf(failure);
  return faultFields({ reason, stack: failure.code === 'MILL_INTERNAL' ? stack : null });
}

function asFailure(error: unknown): MillraceError {
  return error instanceof MillraceError ? error : new MillraceError('MILL_INTERNAL', messageOf(error), { cause: error });
}
