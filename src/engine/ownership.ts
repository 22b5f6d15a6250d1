import { type ErrorCode, MillraceError } from '../errors.ts';
import { codeOf } from '../fault.ts';
import type { Lease } from '../store/store.ts';
import { checkBacklog } from './accepted-otherwise.ts';
import { checkHead, checkStanding } from './check-standing.ts';
import { ClaimBackoff } from './claim-backoff.ts';
import type { Deadline } from './deadline.ts';
import type { EngineContext, PartitionContext, PipelineContext } from './engine-context.ts';
import type { FedEvent } from './feed.ts';
import { asFailure, Hindrance } from './hindrance.ts';
import type { Tenures } from './key-work.ts';
import type { KeysAtWork } from './keys-at-work.ts';
import { type KeptLease, LeaseKeeper } from './lease-keeper.ts';
import { OwnershipState } from './ownership-state.ts';
import { Tenure } from './tenure.ts';

/** What the ownership of a partition works with; the partition provides it. */
export interface OwnershipMeans {
  readonly engine: EngineContext;
  readonly pipeline: PipelineContext;
  readonly partition: PartitionContext;
  /** A tenure is about to start. */
  begun(tenure: Tenure): void;
  /** Something was settled. */
  settled(): void;
}

/** A start goes on with these: the claim is tried again until it succeeds. */
const lastingAtStart: ReadonlySet<ErrorCode> = new Set(['MILL_STORE_FULL', 'MILL_STORE_FENCED']);

/**
 * Who works on a partition: a tenure under our lease, and after a failure of the store the next one. When a commit fails nobody knows
 * what is on disk, so everything in memory is dropped, the partition claimed again, and the work goes on from the cursor as after a crash
 * (promises 2, 8): there is no second way back.
 *
 * While the store has no room no tenure is at work, and the claim is tried again until it succeeds. While another engine works on the partition
 * nothing is tried: the {@link Fleet} says when it is ours.
 */
export class Ownership implements Tenures {
  /** What keeps the partition from its work. */
  readonly hindrance: Hindrance;
  readonly #means: OwnershipMeans;
  readonly #backoff: ClaimBackoff;
  readonly #leases: LeaseKeeper;
  readonly #state: OwnershipState;
  /** The one that is at work, or was last. */
  #tenure: Tenure | undefined;
  /** The highest position that was announced before there was a tenure. */
  #told = 0;
  /** Whether there may be more in the log than the claim under way will tell. */
  #mustLook = false;
  #absences = 0;

  constructor(means: OwnershipMeans) {
    const { engine, partition } = means;
    const { store, clock, held } = engine;
    this.#means = means;
    this.#state = new OwnershipState(partition.id);
    this.hindrance = new Hindrance(partition.id, engine);
    this.#backoff = new ClaimBackoff(engine);
    this.#leases = new LeaseKeeper({ store, clock, partition: partition.id, held });
  }

  /** The tenure that is at work, or was last; undefined before the first. */
  get tenure(): Tenure | undefined {
    return this.#tenure;
  }

  /** The lease of the tenure at work; undefined while none is. */
  get lease(): Lease | undefined {
    return this.#state.isWorking ? this.present.lease : undefined;
  }

  /** The tenure that is at work, or was last. Throws before the first. */
  get present(): Tenure {
    if (this.#tenure !== undefined) return this.#tenure;
    throw new MillraceError('MILL_STOPPING', 'the engine is not started');
  }

  /** The keys of the tenure that is at work, or was last; undefined before the first. */
  get keys(): KeysAtWork | undefined {
    return this.#tenure?.keys;
  }

  /** The tenure, where what it decides can be kept. Throws why that is not so. */
  get writable(): Tenure {
    this.checkWritable();
    return this.present;
  }

  get isRecovering(): boolean {
    return this.#state.isRecovering;
  }

  /** Whether another engine works on it. */
  get isAway(): boolean {
    return this.#state.isAway;
  }

  /** Whether it is another engine's still, and being claimed. */
  get isTaking(): boolean {
    return this.#state.isTaking;
  }

  /** How often another engine may have worked on it. */
  get absences(): number {
    return this.#absences;
  }

  get isOver(): boolean {
    return this.#state.isOver;
  }

  /** Claims the partition and sets to work; where that may take a while, once it can. Throws what else the store throws. */
  async start(): Promise<void> {
    if (this.isOver) this.#state.startAnew();
    try {
      const kept = await this.#claim();
      // After a failure that was met meanwhile a recovery claims it anew.
      if (this.#state.isNew) this.#begin(kept);
    } catch (error) {
      const code = codeOf(error);
      if (code === undefined || !lastingAtStart.has(code)) throw error;
      this.recover(error);
    }
  }

  /**
   * The lease is ours, or nobody's and ours to claim. Resolves once it is claimed, or cannot be at the moment.
   *
   * @param askedAt when that was so, in elapsed time
   * @param head the highest position in the log then, or one before
   */
  async take(askedAt: number, head: number): Promise<void> {
    if (this.#state.isWorking && head > this.present.head) this.look(head);
    this.#backoff.storeAnswers();
    if (!this.isAway || this.#state.isTaking || askedAt < this.#leases.changedAt) return;
    this.#state.take();
    await this.#beginAgain(Promise.resolve());
  }

  /**
   * The lease is not ours, and not ours to claim.
   *
   * @param askedAt when that was so, in elapsed time
   */
  leave(askedAt: number): void {
    if (this.#state.isNew) this.#leave();
    else if (askedAt > this.#leases.changedAt) this.lost(new MillraceError('MILL_STORE_FENCED', 'another engine has the lease'));
  }

  /** The highest position known to be in the log; 0 while nobody here works on the partition. */
  get head(): number {
    return this.#state.isWorking ? this.present.head : 0;
  }

  /**
   * Ends the engine where the store has lost part of the log.
   *
   * @param askedAt when the store was asked, in elapsed time
   * @param head the highest position in the log then
   * @param known that of `head` when the store was asked
   */
  checkLog(askedAt: number, head: number, known: number): void {
    if (!this.#state.isWorking || askedAt < this.#leases.changedAt) return;
    try {
      checkHead(this.#means.partition.id, head, known);
    } catch (error) {
      this.#failForGood(asFailure(error));
    }
  }

  /** The lease is over, or has run out as far as anybody here can tell. */
  lost(error: MillraceError): void {
    if (!this.#state.isWorking) return;
    // Whoever has it now counts what waits; this engine does again once it has it again.
    this.#means.partition.ledger.handedOver();
    this.recover(error);
  }

  /** Gives the lease back for another engine to claim, once what is under way has ended. */
  async handOver(tenure: Tenure, ended: () => Promise<void>): Promise<void> {
    if (!this.#state.isWorking || tenure !== this.#tenure) return;
    this.#state.recover();
    await this.#endOf(tenure, 'the partition is handed over', ended);
    await this.#release();
    if (!this.isOver) this.#leave();
  }

  /** Tries once more to release a lease of which the release has failed: until then it is ours, and nobody works on the partition. */
  async releaseAgain(): Promise<void> {
    if (this.isAway && !this.#state.isTaking && this.#leases.mustRelease) await this.#release();
  }

  /** Tells of accepted events, in position order. */
  offer(events: readonly FedEvent[]): void {
    // Its owner finds them in the log.
    if (this.isAway) return;
    // At the start another partition may send before this one is claimed.
    if (this.#tenure === undefined) this.#told = Math.max(this.#told, events.at(-1)?.position ?? 0);
    else this.#tenure.offer(events);
  }

  /** The log may hold more events than were announced; where it is known, up to which position. */
  look(upTo?: number): void {
    if (this.#state.isWorking) void this.#tenure?.look(upTo);
    else this.#mustLook = true;
  }

  /** Drops everything in memory and goes on from what is on disk, since the store failed. */
  recover(error: unknown): void {
    const failure = asFailure(error);
    if (!this.isAway) this.hindrance.note(failure);
    // The claim under way may have missed what took effect although it failed.
    if (this.isRecovering || this.isAway) this.#mustLook = true;
    if (this.isRecovering || this.isAway || this.isOver) return;
    this.#state.recover();
    void this.#startOver(failure);
  }

  /** Resolves when no recovery is under way, or the caller's time is over; at once while another engine works on it, which may be for long. */
  async recovered(deadline?: Deadline): Promise<void> {
    while (this.isRecovering && deadline?.isOver !== true) await this.#state.changed(deadline);
  }

  /** Resolves once this engine works on it, or when the caller's time is over. */
  async isHere(deadline: Deadline): Promise<void> {
    while (this.isAway && !deadline.isOver) await this.#state.changed(deadline);
  }

  /** Ends the present tenure, does some work while none is at work, and begins the next one. Throws what the work throws. */
  async between<T>(reason: string, work: () => Promise<T>): Promise<T> {
    while (this.isRecovering || this.isAway) {
      this.checkWritable();
      await this.#state.changed();
    }
    if (this.isOver) throw new MillraceError('MILL_STOPPING', 'the engine is stopping');
    const tenure = this.present;
    this.#state.recover();
    const done = this.#endOf(tenure, reason).then(work);
    const begun = this.#beginAgain(done);
    const result = await done;
    // Whoever comes next finds the tenure that begins with the result, not the figures of the one that has ended.
    await begun;
    return result;
  }

  /** Begins no tenure and no claim any more. */
  end(): void {
    this.#state.end();
    this.#backoff.endPause();
  }

  /** Throws where nothing that is decided now could be kept. */
  checkWritable(): void {
    const { refusal } = this.hindrance;
    if (refusal !== undefined) throw refusal;
    const { pipeline, slice } = this.#means.partition.id;
    if (this.isAway) throw new MillraceError('MILL_STORE_LEASED', `partition ${pipeline}/${slice}: another engine works on it`);
  }

  /** Releases the lease. One that is not released is released when the fleet asks again, or runs out. Never rejects. */
  async #release(): Promise<void> {
    try {
      await this.#leases.release();
    } catch (error) {
      this.hindrance.logNotReleased(error);
    }
  }

  /** The first claim of a process looks whether the pipeline can take over what waits. */
  async #claim(): Promise<KeptLease> {
    const { engine, pipeline, partition } = this.#means;
    const known = this.#tenure && { cursor: this.#tenure.cursor, head: this.#tenure.head };
    const kept = await this.#leases.claim();
    checkStanding(partition.id, kept.lease.standing, known);
    if (this.#tenure === undefined) await checkBacklog(engine.store, partition.id, pipeline.declaration, kept.lease.standing);
    return kept;
  }

  #begin({ lease, isHeld }: KeptLease): void {
    const { engine, pipeline, partition } = this.#means;
    const { standing } = lease;
    if (this.isOver) return;
    if (!isHeld()) throw new MillraceError('MILL_STORE_FENCED', 'the lease has run out before the work began');
    // Events that were appended after the claim may have been announced before the store answered the claim.
    const head = Math.max(standing.head, this.#tenure?.head ?? this.#told);
    const tenure: Tenure = new Tenure({
      engine,
      pipeline,
      partition,
      lease,
      head,
      isHeld,
      progressed: (hasSettled) => this.#progressed(hasSettled),
      failed: (error) => {
        if (tenure === this.#tenure) this.recover(error);
      },
    });
    this.#state.work();
    // From here on its failure is one to recover from.
    this.#tenure = tenure;
    this.hindrance.claimed();
    const settled = pipeline.declaration.order === undefined ? standing.cursor : standing.head;
    partition.ledger.recount(standing.held + head - settled, standing);
    engine.room.changed();
    this.#means.begun(tenure);
    tenure.start();
    if (!this.#mustLook) return;
    this.#mustLook = false;
    void tenure.look();
  }

  #progressed(hasSettled: boolean): void {
    this.#backoff.reset();
    this.hindrance.progressed();
    if (hasSettled) this.#means.settled();
  }

  async #endOf(tenure: Tenure, reason: string, ended?: () => Promise<void>): Promise<void> {
    await tenure.end(new MillraceError('MILL_STORE_UNAVAILABLE', reason));
    await ended?.();
    await tenure.commitRest();
    tenure.abandon();
  }

  /** Resolves once the next tenure has begun, or its first claim has failed. @param work what no tenure may be at work for */
  async #beginAgain(work: Promise<unknown>): Promise<void> {
    try {
      await work;
      if (!this.isOver) this.#begin(await this.#claim());
    } catch (error) {
      const failure = asFailure(error);
      this.#note(failure);
      void this.#claimAgain(failure);
    }
  }

  async #startOver(cause: MillraceError): Promise<void> {
    await this.#tenure?.end(new MillraceError('MILL_STORE_UNAVAILABLE', 'the partition is being recovered'));
    this.#tenure?.abandon();
    await this.#claimAgain(cause);
  }

  /** After a failure: claims the partition again, as often as it takes. */
  async #claimAgain(cause: MillraceError): Promise<void> {
    let lastCode: ErrorCode | undefined;
    for (let failure = cause; !this.isOver; ) {
      const { code } = failure;
      if (!failure.retryable && code !== 'MILL_COMMIT_REFUSED') {
        this.#failForGood(failure);
        return;
      }
      this.hindrance.logStartingOver(failure, lastCode);
      if (this.isAway && !this.#state.isTaking) return;
      lastCode = code;
      await this.#backoff.pause(code);
      // A claim after the end would take the partition from whoever comes next.
      if (this.isOver) return;
      try {
        this.#begin(await this.#claim());
        return;
      } catch (next) {
        failure = asFailure(next);
        this.#note(failure);
      }
    }
  }

  #failForGood(failure: MillraceError): void {
    this.hindrance.logTheEnd(failure);
    this.#state.end();
    this.#means.engine.fatal(failure);
  }

  #note(failure: MillraceError): void {
    if (failure.code !== 'MILL_STORE_LEASED') this.hindrance.note(failure);
    else if (!this.isOver) this.#leave();
  }

  /** Another engine works on it from now on. */
  #leave(): void {
    const { ledger, deliveryAttempts, gapWatch } = this.#means.partition;
    ledger.handedOver();
    gapWatch.handedOver();
    deliveryAttempts.handedOver();
    this.hindrance.left();
    this.#absences += 1;
    this.#state.leave();
    this.#means.engine.room.changed();
  }
}
