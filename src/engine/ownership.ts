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

/** The dependencies of a partition's ownership, provided by the partition. */
export interface OwnershipMeans {
  readonly engine: EngineContext;
  readonly pipeline: PipelineContext;
  readonly partition: PartitionContext;
  /** Called when a tenure is about to start. */
  begun(tenure: Tenure): void;
  /** Called when something was settled. */
  settled(): void;
}

/** A start continues despite these: the claim is retried until it succeeds. */
const lastingAtStart: ReadonlySet<ErrorCode> = new Set(['MILL_STORE_FULL', 'MILL_STORE_FENCED']);

/**
 * The ownership of a partition: a tenure under our lease and, after a store failure, the next one. After a failed commit the content of the
 * disk is unknown, so everything in memory is dropped, the partition is claimed again, and work resumes from the cursor as after a crash
 * (promises 2, 8): there is only one recovery path.
 *
 * While the store has no room no tenure runs, and the claim is retried until it succeeds. While another engine works on the partition
 * nothing is tried: the {@link Fleet} says when it is ours.
 */
export class Ownership implements Tenures {
  /** The obstacle to the partition's work. */
  readonly hindrance: Hindrance;
  readonly #means: OwnershipMeans;
  readonly #backoff: ClaimBackoff;
  readonly #leases: LeaseKeeper;
  readonly #state: OwnershipState;
  /** The current or the last tenure. */
  #tenure: Tenure | undefined;
  /** The highest position announced before there was a tenure. */
  #told = 0;
  /** True if the log may hold more than the claim under way will report. */
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

  /** The current or last tenure; undefined before the first. */
  get tenure(): Tenure | undefined {
    return this.#tenure;
  }

  /** The lease of the running tenure; undefined while there is none. */
  get lease(): Lease | undefined {
    return this.#state.isWorking ? this.present.lease : undefined;
  }

  /** The current or last tenure. Throws before the first. */
  get present(): Tenure {
    if (this.#tenure !== undefined) return this.#tenure;
    throw new MillraceError('MILL_STOPPING', 'the engine is not started');
  }

  /** The keys of the current or last tenure; undefined before the first. */
  get keys(): KeysAtWork | undefined {
    return this.#tenure?.keys;
  }

  /** The tenure, if its decisions can be kept. Throws the reason otherwise. */
  get writable(): Tenure {
    this.checkWritable();
    return this.present;
  }

  get isRecovering(): boolean {
    return this.#state.isRecovering;
  }

  /** True if another engine works on it. */
  get isAway(): boolean {
    return this.#state.isAway;
  }

  /** True if it still belongs to another engine, and is being claimed. */
  get isTaking(): boolean {
    return this.#state.isTaking;
  }

  /** Number of times another engine may have worked on it. */
  get absences(): number {
    return this.#absences;
  }

  get isOver(): boolean {
    return this.#state.isOver;
  }

  /** Claims the partition and begins work; if that may take a while, once it can. Throws any other error of the store. */
  async start(): Promise<void> {
    if (this.isOver) this.#state.startAnew();
    try {
      const kept = await this.#claim();
      // After a failure met meanwhile, a recovery claims it anew.
      if (this.#state.isNew) this.#begin(kept);
    } catch (error) {
      const code = codeOf(error);
      if (code === undefined || !lastingAtStart.has(code)) throw error;
      this.recover(error);
    }
  }

  /**
   * Handles a lease that is ours, or free and ours to claim. Resolves once it is claimed, or cannot be at the moment.
   *
   * @param askedAt when that was so, in elapsed time
   * @param head the highest position in the log then, or an earlier one
   */
  async take(askedAt: number, head: number): Promise<void> {
    if (this.#state.isWorking && head > this.present.head) this.look(head);
    this.#backoff.storeAnswers();
    if (!this.isAway || this.#state.isTaking || askedAt < this.#leases.changedAt) return;
    this.#state.take();
    await this.#beginAgain(Promise.resolve());
  }

  /**
   * Handles a lease that is neither ours nor ours to claim.
   *
   * @param askedAt when that was so, in elapsed time
   */
  leave(askedAt: number): void {
    if (this.#state.isNew) this.#leave();
    else if (askedAt > this.#leases.changedAt) this.lost(new MillraceError('MILL_STORE_FENCED', 'another engine has the lease'));
  }

  /** The highest position known to be in the log; 0 while this engine does not work on the partition. */
  get head(): number {
    return this.#state.isWorking ? this.present.head : 0;
  }

  /**
   * Ends the engine if the store has lost part of the log.
   *
   * @param askedAt when the store was asked, in elapsed time
   * @param head the highest position in the log then
   * @param known the value of `head` when the store was asked
   */
  checkLog(askedAt: number, head: number, known: number): void {
    if (!this.#state.isWorking || askedAt < this.#leases.changedAt) return;
    try {
      checkHead(this.#means.partition.id, head, known);
    } catch (error) {
      this.#failForGood(asFailure(error));
    }
  }

  /** Handles a lease that is over, or has expired as far as this process can tell. */
  lost(error: MillraceError): void {
    if (!this.#state.isWorking) return;
    // Its new owner counts the waiting events; this engine will again once it has it back.
    this.#means.partition.ledger.handedOver();
    this.recover(error);
  }

  /** Releases the lease for another engine to claim, once the work under way has ended. */
  async handOver(tenure: Tenure, ended: () => Promise<void>): Promise<void> {
    if (!this.#state.isWorking || tenure !== this.#tenure) return;
    this.#state.recover();
    await this.#endOf(tenure, 'the partition is handed over', ended);
    await this.#release();
    if (!this.isOver) this.#leave();
  }

  /** Retries a failed release of the lease: until it succeeds the partition is ours, and nobody works on it. */
  async releaseAgain(): Promise<void> {
    if (this.isAway && !this.#state.isTaking && this.#leases.mustRelease) await this.#release();
  }

  /** Announces accepted events, in position order. */
  offer(events: readonly FedEvent[]): void {
    // Its owner finds them in the log.
    if (this.isAway) return;
    // During the start another partition may send before this one is claimed.
    if (this.#tenure === undefined) this.#told = Math.max(this.#told, events.at(-1)?.position ?? 0);
    else this.#tenure.offer(events);
  }

  /** Notes that the log may hold more events than were announced, up to `upTo` if known. */
  look(upTo?: number): void {
    if (this.#state.isWorking) void this.#tenure?.look(upTo);
    else this.#mustLook = true;
  }

  /** Drops everything in memory and resumes from disk after a store failure. */
  recover(error: unknown): void {
    const failure = asFailure(error);
    if (!this.isAway) this.hindrance.note(failure);
    // The claim under way may have missed something that took effect despite a failure.
    if (this.isRecovering || this.isAway) this.#mustLook = true;
    if (this.isRecovering || this.isAway || this.isOver) return;
    this.#state.recover();
    void this.#startOver(failure);
  }

  /** Resolves when no recovery is under way, or at the caller's deadline; at once while another engine works on it, which may last long. */
  async recovered(deadline?: Deadline): Promise<void> {
    while (this.isRecovering && deadline?.isOver !== true) await this.#state.changed(deadline);
  }

  /** Resolves once this engine works on it, or at the caller's deadline. */
  async isHere(deadline: Deadline): Promise<void> {
    while (this.isAway && !deadline.isOver) await this.#state.changed(deadline);
  }

  /** Ends the current tenure, does some work while none is running, and begins the next one. Throws what the work throws. */
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
    // Callers must find the new tenure with the result, not the figures of the one that has ended.
    await begun;
    return result;
  }

  /** Begins no tenure and no claim any more. */
  end(): void {
    this.#state.end();
    this.#backoff.endPause();
  }

  /** Throws if no decision could be kept now. */
  checkWritable(): void {
    const { refusal } = this.hindrance;
    if (refusal !== undefined) throw refusal;
    const { pipeline, slice } = this.#means.partition.id;
    if (this.isAway) throw new MillraceError('MILL_STORE_LEASED', `partition ${pipeline}/${slice}: another engine works on it`);
  }

  /** Releases the lease. If that fails it is released when the fleet asks again, or expires. Never rejects. */
  async #release(): Promise<void> {
    try {
      await this.#leases.release();
    } catch (error) {
      this.hindrance.logNotReleased(error);
    }
  }

  /** The first claim of a process checks whether the pipeline can take over the waiting events. */
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
    if (!isHeld()) throw new MillraceError('MILL_STORE_FENCED', 'the lease expired before the work began');
    // Events appended after the claim may have been announced before the store answered the claim.
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
    // From here on its failure leads to a recovery.
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

  /** Resolves once the next tenure has begun, or its first claim has failed. @param work work for which no tenure may be running */
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

  /** Claims the partition again after a failure, as often as it takes. */
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
      // A claim after the end would take the partition from the next owner.
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

  /** Handles the loss of the partition to another engine. */
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
