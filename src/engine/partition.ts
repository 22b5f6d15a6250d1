import { type ErrorCode, MillraceError, messageOf } from '../errors.ts';
import { codeOf, faultFields, faultOf } from '../fault.ts';
import type { FaultyRow } from '../pipeline/source-rows.ts';
import type { DeadLetter, Lease, PartitionId } from '../store/store.ts';
import { checkBacklog } from './accepted-otherwise.ts';
import type { Admission } from './admissions.ts';
import { pauseMs } from './backoff.ts';
import { checkStanding } from './check-standing.ts';
import type { SliceFigures } from './counts.ts';
import type { Deadline } from './deadline.ts';
import { discardWaiting } from './discard-waiting.ts';
import type { PipelineMeans } from './engine-means.ts';
import type { FedEvent } from './feed.ts';
import { GapWatch } from './gap-watch.ts';
import { LeaseBeat } from './lease-beat.ts';
import { Ledger } from './ledger.ts';
import { Calls } from './outbox/calls.ts';
import { Refusals } from './refusals.ts';
import { Tenure } from './tenure.ts';
import { Waiters } from './waiters.ts';
import { Waits } from './waits.ts';

/** How fast a partition is claimed again after failures in a row; the first time at once. */
const recovery = { backoffMs: 50, backoffMsMax: 5_000, jitter: 0.5, attempts: Number.POSITIVE_INFINITY };

/** A store that another program keeps locked says so at once, and is free from one moment to the next. */
const recoveryFromLock = { ...recovery, backoffMsMax: 50 };
/** Another engine works on it, and says so once it stops; one that dies does not, and its lease must run out. */
const recoveryFromLease = { ...recovery, backoffMs: 500, backoffMsMax: 500 };
/** A full disk says so at once; somebody must make room, which takes a while. */
const recoveryFromFull = { ...recovery, backoffMs: 250, backoffMsMax: 2_000 };

const recoveries: { readonly [Code in ErrorCode]?: typeof recovery } = {
  MILL_STORE_BUSY: recoveryFromLock,
  MILL_STORE_LEASED: recoveryFromLease,
  MILL_STORE_FULL: recoveryFromFull,
};
/** How often somebody who waits for another engine looks how far that has come. */
const progressEveryMs = 25;
/** What neither a user nor an operator brings about. */
const impossible: ReadonlySet<ErrorCode> = new Set(['MILL_INTERNAL', 'MILL_STORE_CORRUPT']);
/** When a caller may try again, while the store has no room. */
const fullRetryAfterMs = 5_000;
/** These stay for a while, and one line tells of them, however often the store is tried. */
const lastingCodes: ReadonlySet<ErrorCode> = new Set(['MILL_STORE_BUSY', 'MILL_STORE_FULL', 'MILL_STORE_LEASED']);

/**
 * A partition at work: a tenure, and after a failure of the store the next one. When a commit fails nobody knows what is
 * on disk, so everything in memory is dropped, the partition claimed again, and the work goes on from the cursor as
 * after a crash (promises 2, 8): there is no second way back.
 *
 * It is *away* while another engine has its lease: no tenure is at work then. What the door takes in goes to the log all the same, reads
 * are answered from what is on disk, and the claim is tried again until the lease is released or has run out.
 *
 * While the store has no room, also at the start, no tenure is at work: no turn begins, because nothing that it decides could be
 * kept, nothing is taken in, and reads are answered from what is on disk. The claim is tried again until there is room.
 */
export class Partition {
  readonly id: PartitionId;
  /** What keeps it from making progress; undefined while all is well. */
  trouble: string | undefined;
  /** Why nothing is taken in or decided: the store has no room. Undefined while all is well, or something else is wrong. */
  refusal: MillraceError | undefined;
  readonly #means: PipelineMeans;
  readonly #refusals = new Refusals();
  readonly #ledger: Ledger;
  readonly #waits: Waits;
  /** The age of what waits for a number. */
  readonly gapWatch: GapWatch;
  readonly #calls: Calls;
  #tenure: Tenure | undefined;
  #lease: Lease | undefined;
  /** Another engine works on it. */
  #isAway = false;
  #beat: LeaseBeat | undefined;
  #recovering: Promise<void> | undefined;
  /** Callers that wait for the recovery to end. */
  readonly #recovered = new Waiters();
  /** No further call begins. */
  #isResting = false;
  /** It works no more: the engine stops, or the store has failed for good. */
  #isOver = false;
  /** In a row, without a commit between them. */
  #failures = 0;
  /** Ends the pause before the next claim. */
  #endPause: (() => void) | undefined;
  /** The highest position told of before there was a tenure. */
  #told = 0;
  /** Whether there may be more in the log than the claim under way will tell. */
  #mustLook = false;
  /** Events on their way to the log. */
  #arriving = 0;
  /** When something was settled last, or a look at an idle partition found it busy; in elapsed time. */
  #progressAt: number | undefined;

  constructor(means: PipelineMeans, id: PartitionId) {
    this.id = id;
    this.#means = means;
    this.#ledger = new Ledger(means.counters);
    this.#waits = new Waits(means);
    this.gapWatch = new GapWatch(means);
    this.#calls = new Calls(id.pipeline, means);
  }

  /**
   * Claims the partition and sets to work; where the store has no room, once there is some. Throws what else the store throws, and
   * `MILL_INVALID_DECLARATION` for events that the pipeline cannot take over.
   */
  async start(): Promise<void> {
    this.#isOver = false;
    try {
      this.#begin(await this.#claim());
    } catch (error) {
      const code = codeOf(error);
      if (code !== 'MILL_STORE_FULL' && code !== 'MILL_STORE_LEASED' && code !== 'MILL_STORE_FENCED') throw error;
      this.recover(error);
    }
  }

  /** Accepted or on their way, and not settled; where events share keys, those left out that wait for their key and not for room to send. */
  get backlog(): number {
    const { pipeline } = this.#means;
    const { backlog = 0, throttled = 0 } = this.#tenure ?? {};
    const waiting = pipeline.key === undefined ? this.#ledger.unsettled : backlog + throttled;
    return waiting + this.#arriving;
  }

  /** Accepted or on their way, and not settled, whatever they wait for. */
  get unsettled(): number {
    return this.#ledger.unsettled + this.#arriving;
  }

  /** What the partition has of its own for the counts of its pipeline. */
  figures(): SliceFigures {
    const held = Math.max(0, this.#ledger.unsettled - (this.#tenure?.backlog ?? 0));
    return { held, gaps: this.gapWatch.count, oldestGapMs: this.gapWatch.ageMs };
  }

  /** Whether something is left that could be done now. */
  get hasWork(): boolean {
    return !this.#isOver && !this.#isAway && this.refusal === undefined && (this.#recovering !== undefined || !this.#present.isIdle);
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
    // Its owner finds them in the log.
    if (this.#isAway) return;
    // At the start another partition may send before this one is claimed.
    if (this.#tenure === undefined) this.#told = Math.max(this.#told, events.at(-1)?.position ?? 0);
    else this.#tenure.offer(events);
  }

  /** Nobody knows whether there is more in the log than was told of. */
  look(): void {
    if (this.#tenure === undefined || this.#recovering !== undefined) this.#mustLook = true;
    void this.#tenure?.look();
  }

  /** An event is about to go to the log. Counts it as arriving if it may; see {@link Admissions.admit}. */
  arrive(key: string, number: number | null, isFull: boolean, wasWarmed: boolean): Admission {
    // A key of its own waits for nothing.
    const isKeyed = this.#means.pipeline.key !== undefined;
    const admission = isKeyed && !this.#isAway ? this.#present.admissions.admit(key, number, isFull, wasWarmed) : 'in';
    if (admission === 'in') this.#arriving += 1;
    return admission;
  }

  /** Brings keys into memory, so that `arrive` knows them. Throws what the store throws. */
  async warm(keys: readonly string[]): Promise<void> {
    if (!this.#isAway) await this.#present.warm(keys);
  }

  /** It has come, or will not. */
  arrived(key: string, accepted: boolean): void {
    this.#arriving -= 1;
    if (!accepted) this.#tenure?.admissions.gone(key);
  }

  /** Whether every event of some keys that was accepted before is settled or waits for its key, and all of it is on disk. */
  isCaughtUp(keys: readonly string[]): boolean {
    return !this.#isAway && (this.refusal !== undefined || this.#present.isCaughtUp(keys));
  }

  /** Resolves once every event accepted before the call (for some keys, or all) is settled or waits for its key. */
  async caughtUp(deadline: Deadline, keys?: readonly string[]): Promise<void> {
    if (this.#isAway) await this.#ownerHasCaughtUp(deadline);
    else if (this.refusal === undefined) await this.#present.caughtUp(deadline, keys);
  }

  /** Resolves once nothing is left that could be done now. */
  async idle(deadline: Deadline): Promise<void> {
    if (this.refusal !== undefined) return;
    await this.#recovery(deadline);
    if (!this.#isAway) await this.#present.idle(deadline);
  }

  /** Resolves once nothing is left to do for a key now: its events, and what they asked for, are done or wait for a retry or an operator. */
  async finished(key: string, deadline?: Deadline): Promise<void> {
    for (let tenure: Tenure | undefined; tenure !== this.#tenure && !this.#isOver; ) {
      await this.#recovery(deadline);
      if (this.#isAway) return;
      tenure = this.#present;
      await tenure.finished(key, deadline);
      await this.#recovery(deadline);
      if (deadline?.isOver === true) return;
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
    this.#tenure?.abort(key, reason);
  }

  /** Begins no further call of an endpoint. */
  rest(): void {
    this.#isResting = true;
    this.#tenure?.rest();
  }

  /** Resolves once the store has noted every gap that there is by now. */
  async noteGaps(deadline: Deadline): Promise<void> {
    await this.caughtUp(deadline);
    if (!this.#isAway) await this.#present.noteGaps();
  }

  async redrive(letter: DeadLetter): Promise<void> {
    await this.#writable.redrive(letter);
  }

  async discard(letter: DeadLetter): Promise<void> {
    await this.#writable.discard(letter);
  }

  /**
   * Makes a dead letter of a row, unless its origin is pending already. Resolves when it is on disk, or the partition works no more.
   * After a failure of the store nobody knows whether it is on disk: the store is asked before the next tenure tries again.
   */
  async bury(row: FaultyRow): Promise<void> {
    while (!this.#isOver) {
      await this.#recovery();
      this.#checkWritable();
      const pending = await this.#means.store.pendingOrigins(this.id, [row.origin]);
      if (pending.length > 0) return;
      await this.#present.bury(row);
    }
  }

  /** Whether another engine works on it. */
  get isAway(): boolean {
    return this.#isAway;
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
    while (this.#recovering !== undefined && !this.#isOver) {
      this.#checkWritable();
      await this.#recovered.next();
    }
    if (this.#isOver) throw new MillraceError('MILL_STOPPING', 'the engine is stopping');
    const discarded = this.#discardWaiting(only);
    this.#recovering = this.#beginAgain(discarded);
    return discarded;
  }

  /** Removes all deliveries of an endpoint that is not declared; returns how many there were. */
  async withdraw(endpoint: string): Promise<number> {
    return this.#writable.withdraw(endpoint);
  }

  /** Drops everything in memory and goes on from what is on disk, since the store failed. */
  recover(error: unknown): void {
    this.#note(asFailure(error));
    // The claim under way may have missed what took effect although it failed.
    if (this.#recovering !== undefined) this.#mustLook = true;
    if (this.#recovering !== undefined || this.#isOver) return;
    this.#recovering = this.#startOver(error);
  }

  /** Hands unfinished work back, commits what is finished, and ends. */
  async stop(): Promise<void> {
    this.#isOver = true;
    this.#recovered.wake();
    this.#endPause?.();
    const reason = new MillraceError('MILL_STOPPING', 'the engine is stopping');
    await this.#tenure?.end(reason);
    this.#waits.close();
    await this.#calls.close(reason);
    await this.#tenure?.commitRest();
    this.#tenure?.abandon();
    this.#beat?.close();
    await this.#release();
  }

  /** One that is not released runs out. */
  async #release(): Promise<void> {
    try {
      await this.#lease?.release();
    } catch (error) {
      this.#means.log.info(this.#fieldsOf(asFailure(error)), 'the lease was not released');
    }
  }

  get #present(): Tenure {
    if (this.#tenure !== undefined) return this.#tenure;
    throw new MillraceError('MILL_STOPPING', 'the engine is not started');
  }

  /** Resolves when no recovery is under way. */
  async #recovery(deadline?: Deadline): Promise<void> {
    while (this.#recovering !== undefined && !this.#isOver && !this.#isAway && deadline?.isOver !== true)
      await this.#recovered.next(deadline);
  }

  /** The tenure, where what it decides can be kept. */
  get #writable(): Tenure {
    this.#checkWritable();
    return this.#present;
  }

  #checkWritable(): void {
    if (this.refusal !== undefined) throw this.refusal;
    const { pipeline, slice } = this.id;
    if (this.#isAway) throw new MillraceError('MILL_STORE_LEASED', `partition ${pipeline}/${slice}: another engine works on it`);
  }

  /** Looks now and then how far the owner has come, since it tells nobody. */
  async #ownerHasCaughtUp(deadline: Deadline): Promise<void> {
    const { store, clock } = this.#means;
    const { head } = await store.progress(this.id);
    while (!deadline.isOver && this.#isAway && !this.#isOver) {
      const { cursor } = await store.progress(this.id);
      if (cursor >= head) return;
      const pause = new Waiters();
      const disarm = clock.after(progressEveryMs, () => pause.wake());
      await pause.next(deadline);
      disarm();
    }
  }

  /** The first claim of a process looks whether the pipeline can take over what waits. */
  async #claim(): Promise<Lease> {
    const { store, pipeline, clock } = this.#means;
    const from = clock.elapsedMs();
    const lease = await store.claim(this.id);
    this.#keep(lease, from);
    if (this.#tenure === undefined) await checkBacklog(store, this.id, pipeline, lease.standing);
    return lease;
  }

  #note({ code, message }: MillraceError): void {
    const isLeased = code === 'MILL_STORE_LEASED';
    if (isLeased) this.#setAway(true);
    this.trouble = isLeased ? undefined : message;
    this.refusal = code === 'MILL_STORE_FULL' ? new MillraceError(code, message, { retryAfterMs: fullRetryAfterMs }) : undefined;
  }

  /** Another engine works on it from now on, or no longer. */
  #setAway(isAway: boolean): void {
    if (isAway && !this.#isAway) this.#ledger.handedOver();
    this.#isAway = isAway;
    if (isAway) this.#recovered.wake();
  }

  /** Keeps the lease, and with every beat looks for what no announcement has told of. */
  #keep(lease: Lease, claimedAt: number): void {
    const { store, clock } = this.#means;
    this.#beat?.close();
    this.#beat = new LeaseBeat(
      { lease, leaseMs: store.leaseMs, clock, beat: () => this.look(), lost: (error) => this.recover(error) },
      claimedAt,
    );
  }

  #begin(lease: Lease): void {
    const { pipeline } = this.#means;
    const { standing } = lease;
    this.#lease = lease;
    if (this.#isOver) return;
    checkStanding(this.id, standing, this.#tenure?.cursor);
    const beat = this.#beat as LeaseBeat;
    if (!beat.isHeld) throw new MillraceError('MILL_STORE_FENCED', 'the lease has run out before the work began');
    this.#setAway(false);
    // What was appended after the claim may have been told of before the claim was answered.
    const head = Math.max(standing.head, this.#tenure?.head ?? this.#told);
    const tenure: Tenure = new Tenure(
      {
        ...this.#means,
        partition: this.id,
        refusals: this.#refusals,
        ledger: this.#ledger,
        waits: this.#waits,
        gapWatch: this.gapWatch,
        calls: this.#calls,
        isHeld: () => beat.isHeld,
        progressed: (hasSettled) => {
          this.#failures = 0;
          this.trouble = undefined;
          if (hasSettled) this.#progressAt = this.#means.clock.elapsedMs();
        },
        failed: (error) => {
          if (tenure === this.#tenure) this.recover(error);
        },
      },
      lease,
      head,
    );
    this.#tenure = tenure;
    // From here on its failure is one to recover from.
    this.#recovering = undefined;
    this.#recovered.wake();
    this.refusal = undefined;
    this.#ledger.recount(standing.held + head - (pipeline.order === undefined ? standing.cursor : standing.head), standing);
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
    tenure.abandon();
    const discarded = (events: number, letters: readonly string[]) => this.#ledger.discarded(events, letters);
    return discardWaiting({ store: this.#means.store, partition: this.id, pipeline: this.#means.pipeline, discarded }, only);
  }

  /** @param work what no tenure may be at work for */
  async #beginAgain(work: Promise<unknown>): Promise<void> {
    try {
      await work;
      if (!this.#isOver) this.#begin(await this.#claim());
    } catch (error) {
      this.#note(asFailure(error));
      await this.#claimAgain(error);
    }
  }

  async #startOver(cause: unknown): Promise<void> {
    await this.#tenure?.end(new MillraceError('MILL_STORE_UNAVAILABLE', 'the partition is being recovered'));
    this.#tenure?.abandon();
    await this.#claimAgain(cause);
  }

  /** After a failure: claims the partition again, as often as it takes. */
  async #claimAgain(cause: unknown): Promise<void> {
    const { log, fatal } = this.#means;
    let lastCode: ErrorCode | undefined;
    for (let failure = asFailure(cause); !this.#isOver; ) {
      const { code } = failure;
      if (!failure.retryable && code !== 'MILL_COMMIT_REFUSED') {
        // Whoever learns of the end says why in one line, which has no room for the place.
        if (impossible.has(code)) log.error(this.#fieldsOf(failure), 'what may never happen has happened: the engine ends');
        this.#isOver = true;
        this.#recovered.wake();
        return fatal(failure);
      }
      if (code !== lastCode || !lastingCodes.has(code)) this.#logStartingOver(failure);
      lastCode = code;
      await this.#pause(recoveries[code] ?? recovery);
      // A claim after the end would take the partition from whoever comes next.
      if (this.#isOver) return;
      try {
        this.#begin(await this.#claim());
        return;
      } catch (next) {
        failure = asFailure(next);
        this.#note(failure);
      }
    }
  }

  #logStartingOver(failure: MillraceError): void {
    const { log } = this.#means;
    if (failure.code === 'MILL_STORE_LEASED') log.info(this.#fieldsOf(failure), 'another engine works on the partition');
    else log.warn(this.#fieldsOf(failure), 'starting over');
  }

  #fieldsOf(failure: MillraceError): object {
    return { pipeline: this.id.pipeline, slice: this.id.slice, code: failure.code, ...fieldsOf(failure) };
  }

  async #pause(policy: typeof recovery): Promise<void> {
    const { clock, random } = this.#means;
    this.#failures += 1;
    if (this.#failures === 1 || this.#isOver) return;
    await new Promise<void>((resolve) => {
      const disarm = clock.after(pauseMs(policy, this.#failures - 1, random()), resolve);
      this.#endPause = () => {
        disarm();
        resolve();
      };
    });
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
