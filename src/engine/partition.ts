import { MillraceError } from '../errors.ts';
import type { FaultyRow } from '../pipeline/source-rows.ts';
import type { CommandAnswer, DeadLetter, DeliveryName, Lease, PartitionId } from '../store/store.ts';
import type { Admission } from './admissions.ts';
import type { SliceFigures } from './counts.ts';
import { Deadline, within } from './deadline.ts';
import { discardWaiting } from './discard-waiting.ts';
import type { EngineContext, PartitionContext, PipelineContext } from './engine-context.ts';
import type { LogReader } from './event-log.ts';
import type { FedEvent } from './feed.ts';
import { GapWatch } from './gap-watch.ts';
import { KeyWork } from './key-work.ts';
import type { KeysAtWork } from './keys-at-work.ts';
import { Ledger } from './ledger.ts';
import { DeliveryAttempts } from './outbox/delivery-attempts.ts';
import { Ownership } from './ownership.ts';
import { PartitionPause } from './pause.ts';
import { Progress } from './progress.ts';
import { Refusals } from './refusals.ts';
import type { Witness } from './resolver.ts';
import type { Tenure } from './tenure.ts';
import { Waiters } from './waiters.ts';
import { Waits } from './waits.ts';

/** Time limit for turns and calls in progress before the partition is handed over, in milliseconds. */
const handOverMs = 1_000;
/** An operator's action on a key. */
export type KeyAct = 'park' | 'resume' | 'skipGap';
/** Interval between checks of another engine's progress while a caller waits for it. */
const progressEveryMs = 25;

/**
 * A slice of a pipeline's keys, as the rest of the engine sees it: the log announces events to it, the door asks it, readers wait for it,
 * and operators give it orders. Its {@link Ownership} decides who works on it and handles failures; this class answers for a partition that
 * this engine does not work on.
 *
 * While another engine works on it, events admitted by the door still go to the log, and reads are answered from disk. While the store has
 * no room, no turn begins, because no decision could be kept; no events are accepted, and reads are answered from disk.
 */
export class Partition implements LogReader {
  readonly id: PartitionId;
  /** The age of the events waiting for a number. */
  readonly gapWatch: GapWatch;
  /** The work of its keys, for callers that wait for it. */
  readonly work: KeyWork;
  readonly #engine: EngineContext;
  readonly #pipeline: PipelineContext;
  readonly #context: PartitionContext;
  readonly #ownership: Ownership;
  readonly #progress: Progress;
  /** Events on their way to the log. */
  #arriving = 0;
  /** Resolves when the hand-over under way has ended; undefined while there is none. */
  #handingOver: Promise<void> | undefined;
  #handOvers = 0;
  #taken: () => void = () => undefined;
  #settled: () => void = () => undefined;
  /** Number of absences already reported. */
  #toldOf = 0;

  constructor(engine: EngineContext, pipeline: PipelineContext, id: PartitionId) {
    const { clock, log, limits } = engine;
    const { declaration, counters } = pipeline;
    this.id = id;
    this.#engine = engine;
    this.#pipeline = pipeline;
    this.#progress = new Progress(clock);
    this.gapWatch = new GapWatch({ clock, log, pipeline: declaration });
    this.#context = {
      id,
      refusals: new Refusals(),
      ledger: new Ledger(counters),
      waits: new Waits({ clock, log, limits, pipeline: declaration }),
      gapWatch: this.gapWatch,
      deliveryAttempts: new DeliveryAttempts(id.pipeline, { clock, log }),
      pause: new PartitionPause(pipeline.pause),
    };
    this.#ownership = new Ownership({
      engine,
      pipeline,
      partition: this.#context,
      begun: ({ keys }) => this.#begun(keys),
      settled: () => {
        this.#progress.settled();
        this.#settled();
      },
    });
    this.work = new KeyWork(this.#ownership, this.#context.deliveryAttempts);
  }

  /**
   * Claims the partition and begins work; if the store has no room, once there is some. Throws any other error of the store, and
   * `MILL_INVALID_DECLARATION` for events that the pipeline cannot take over.
   */
  start(): Promise<void> {
    return this.#ownership.start();
  }

  /** Handles a lease that is ours, or free and ours to claim; see {@link Ownership.take}. */
  take(askedAt: number, head: number): Promise<void> {
    return this.#ownership.take(askedAt, head);
  }

  /** The highest position known to be in the log; 0 while this engine does not work on it. */
  get head(): number {
    return this.#ownership.head;
  }

  /** Ends the engine if the store has lost part of the log; see {@link Ownership.checkLog}. */
  checkLog(askedAt: number, head: number, known: number): void {
    this.#ownership.checkLog(askedAt, head, known);
  }

  /** Handles a lease that is neither ours nor ours to claim; see {@link Ownership.leave}. */
  leave(askedAt: number): void {
    this.#ownership.leave(askedAt);
  }

  /** Handles a lease that is over, or has expired as far as this process can tell. */
  leaseLost(error: MillraceError): void {
    this.#ownership.lost(error);
  }

  /** Begins no turns or calls, gives those under way a moment to end, and releases the lease for another engine to claim. */
  async handOver(): Promise<void> {
    const { tenure, isOver, isAway, isRecovering } = this.#ownership;
    if (tenure === undefined || isOver || isRecovering || this.#handingOver !== undefined) return;
    if (isAway) return this.#ownership.releaseAgain();
    this.#handOvers += 1;
    this.#handingOver = this.#handOver(tenure);
    await this.#handingOver;
  }

  /** Sets the callback for whenever this engine takes it over from another one. */
  whenTaken(taken: () => void): void {
    this.#taken = taken;
  }

  /** Sets the callback for whenever this engine has settled events of it. */
  whenSettled(settled: () => void): void {
    this.#settled = settled;
  }

  /** The reason it makes no progress; undefined while all is well. */
  get trouble(): string | undefined {
    return this.#ownership.hindrance.trouble;
  }

  /** The reason nothing is accepted or decided: the store has no room. Undefined while all is well, or if something else is wrong. */
  get refusal(): MillraceError | undefined {
    return this.#ownership.hindrance.refusal;
  }

  /** True if another engine works on it. */
  get isAway(): boolean {
    return this.#ownership.isAway;
  }

  /** True if this engine works on it, or is about to again. */
  get isOurs(): boolean {
    return this.#ownership.tenure !== undefined && !this.isAway && !this.#ownership.isOver;
  }

  /**
   * Accepted or arriving events that are not settled; where events share keys, not counting those that wait for their key rather than for
   * room to send.
   */
  get backlog(): number {
    const { backlog = 0, throttled = 0 } = this.#ownership.tenure ?? {};
    const waiting = this.#isKeyed ? backlog + throttled : this.#context.ledger.unsettled;
    return waiting + this.#arriving;
  }

  /** Accepted or arriving events that are not settled, not counting those that wait for their key. */
  get ahead(): number {
    return (this.#ownership.tenure?.backlog ?? 0) + this.#arriving;
  }

  /** Accepted or arriving events that are not settled, whatever they wait for. */
  get unsettled(): number {
    return this.#context.ledger.unsettled + this.#arriving;
  }

  /**
   * True if `unsettled` covers everything waiting here: not before a claim has reported. Events of another engine's partition are counted
   * there.
   */
  get isCounted(): boolean {
    const { isAway, isTaking } = this.#ownership;
    return this.#context.ledger.isCounted || (isAway && !isTaking);
  }

  /** Returns the partition's own figures for the counts of its pipeline. */
  figures(): SliceFigures {
    const held = Math.max(0, this.#context.ledger.unsettled - (this.#ownership.tenure?.backlog ?? 0));
    const partitions = Number(this.#ownership.lease !== undefined);
    const oldest = this.#ownership.tenure?.oldestUnreached;
    const lagMs = oldest === undefined ? 0 : Math.max(0, this.#engine.clock.now() - oldest);
    return { held, gaps: this.gapWatch.count, oldestGapMs: this.gapWatch.ageMs, partitions, lagMs };
  }

  /** True if something is left that could be done now. */
  get hasWork(): boolean {
    const ownership = this.#ownership;
    if (ownership.isOver || ownership.isAway || this.refusal !== undefined) return false;
    return ownership.isRecovering || !ownership.present.isIdle;
  }

  /** Returns how long, judging by looks at it, there has been work without anything being settled. */
  silentMs(): number {
    return this.#progress.silentMs(this.hasWork);
  }

  /** Announces accepted events, in position order. */
  offer(events: readonly FedEvent[]): void {
    this.#ownership.offer(events);
  }

  /** Notes that the log may hold more events than were announced, up to `upTo` if known. */
  look(upTo?: number): void {
    this.#ownership.look(upTo);
  }

  /** Counts an event about to go to the log as arriving, if it is admitted; see {@link Admissions.admit}. */
  arrive(key: string, number: number | null, isFull: boolean, wasWarmed: boolean): Admission {
    // An event that is its own key waits for nothing.
    const mayWait = this.#isKeyed && !this.isAway;
    const admission = mayWait ? this.#ownership.present.admissions.admit(key, number, isFull, wasWarmed) : 'in';
    if (admission === 'in') this.#arriving += 1;
    return admission;
  }

  /** Loads keys into memory, so that `arrive` knows them. Throws what the store throws. */
  async warm(keys: readonly string[]): Promise<void> {
    if (!this.isAway) await this.#ownership.present.warm(keys);
  }

  /** Notes that an admitted event is in the log, or will not come. */
  arrived(key: string, accepted: boolean): void {
    this.#arriving -= 1;
    if (!accepted) this.#ownership.tenure?.admissions.gone(key);
  }

  /** Drops everything in memory and resumes from disk after a store failure. */
  recover(error: unknown): void {
    this.#ownership.recover(error);
  }

  /** Returns whether every earlier event of some keys is settled or waits for its key, with all of it on disk. */
  isCaughtUp(keys: readonly string[]): boolean {
    if (this.refusal !== undefined) return true;
    return !this.isAway && !this.#ownership.isRecovering && this.#ownership.present.isCaughtUp(keys);
  }

  /** Resolves once every event accepted before the call (for some keys, or all) is settled or waits for its key. */
  async caughtUp(deadline: Deadline, keys?: readonly string[]): Promise<void> {
    const ownership = this.#ownership;
    while (!deadline.isOver && this.refusal === undefined) {
      if (this.isAway) {
        // Work left by an owner is this engine's to settle once it takes the partition over.
        if ((await deadline.race(this.#ownerHasCaughtUp(deadline))) !== false) return;
      } else if (ownership.isRecovering) await ownership.recovered(deadline);
      else if (this.#handingOver !== undefined) await deadline.race(this.#handingOver);
      else if (await this.#tenureHasCaughtUp(deadline, keys)) return;
    }
  }

  /** Resolves once a key has nothing left to do now, or its owner has settled its events. */
  async finished(key: string): Promise<void> {
    if (this.isAway) await this.#ownerHasCaughtUp(new Deadline());
    else await this.work.finished(key);
  }

  /** Number of times other engines may have worked on it. */
  get absences(): number {
    return this.#ownership.absences;
  }

  /** Resolves once this engine works on it, or at the caller's deadline. */
  isHere(deadline: Deadline): Promise<void> {
    return this.#ownership.isHere(deadline);
  }

  /** Resolves once nothing is left that could be done now. */
  async idle(deadline: Deadline): Promise<void> {
    if (this.refusal !== undefined) return;
    await this.#ownership.recovered(deadline);
    if (!this.isAway) await this.#ownership.present.idle(deadline);
  }

  /** Resolves once the store has noted every current gap. */
  async noteGaps(deadline: Deadline): Promise<void> {
    await this.caughtUp(deadline);
    if (!this.isAway) await this.#ownership.present.noteGaps();
  }

  /** @param witness is committed with it */
  async redrive(letter: DeadLetter, witness?: Witness): Promise<void> {
    await this.#ownership.writable.resolver.redrive(letter, witness);
  }

  /** @param witness as for {@link redrive} */
  async discard(letter: DeadLetter, witness?: Witness): Promise<void> {
    await this.#ownership.writable.resolver.discard(letter, witness);
  }

  /** Parks a key, resumes one that was parked by hand, or makes one skip missing numbers. @param witness as for {@link redrive} */
  async actOnKey(act: KeyAct, key: string, witness: Witness): Promise<void> {
    await this.#ownership.writable.keyActs[act](key, witness);
  }

  /** @param witness as for {@link redrive} */
  async sendNow(delivery: DeliveryName, witness?: Witness): Promise<void> {
    await this.#ownership.writable.deliveries.sendNow(delivery, witness);
  }

  /** @param witness as for {@link redrive} */
  async withdrawOne(delivery: DeliveryName, reason: string, witness?: Witness): Promise<void> {
    await this.#ownership.writable.deliveries.withdraw(delivery, reason, witness);
  }

  /** Answers another engine's command. */
  async answer(answer: CommandAnswer): Promise<void> {
    await this.#ownership.writable.answer(answer);
  }

  /**
   * Turns a row into a dead letter, unless its origin is already pending. Resolves when it is on disk, or the partition no longer works.
   * After a store failure it may or may not be on disk: the store is asked before the next tenure tries again.
   */
  async bury(row: FaultyRow): Promise<void> {
    const ownership = this.#ownership;
    while (!ownership.isOver) {
      await ownership.recovered();
      ownership.checkWritable();
      const pending = await this.#engine.store.pendingOrigins(this.id, [row.origin]);
      if (pending.length > 0) return;
      await ownership.present.bury(row);
    }
  }

  /** The lease of the running tenure; undefined while there is none. */
  get lease(): Lease | undefined {
    return this.#ownership.lease;
  }

  /**
   * Notes rows that became dead letters of this partition under a lease, without any tenure drafting them. A later claim has counted them.
   */
  buried(lease: Lease, letters: number): void {
    if (this.lease === lease) this.#context.ledger.buried(letters);
  }

  /** Notes that the pipeline was paused or resumed. */
  pauseChanged(): void {
    this.#progress.pauseChanged();
    this.#ownership.tenure?.pauseChanged();
  }

  /**
   * Discards the waiting events of a paused pipeline, or of one of its keys; returns their number. This ends the current tenure, and the
   * next one begins with whatever is left.
   */
  discardWaiting(only: string | undefined): Promise<number> {
    const { store } = this.#engine;
    const pipeline = this.#pipeline.declaration;
    const discarded = (events: number, letters: readonly string[]) => this.#context.ledger.discarded(events, letters);
    return this.#ownership.between('waiting events are being discarded', () =>
      discardWaiting({ store, partition: this.id, pipeline, discarded }, only),
    );
  }

  /** Removes all deliveries of an undeclared endpoint; returns how many there were. */
  async withdraw(endpoint: string): Promise<number> {
    return this.#ownership.writable.withdrawal.withdraw(endpoint);
  }

  /** Commits finished work, and ends. The lease ends when the store is closed. */
  async stop(): Promise<void> {
    const ownership = this.#ownership;
    ownership.end();
    const reason = new MillraceError('MILL_STOPPING', 'the engine is stopping');
    const { tenure } = ownership;
    await tenure?.end(reason);
    this.#context.waits.close();
    await this.#context.deliveryAttempts.close(reason);
    await tenure?.commitRest();
    tenure?.abandon();
  }

  async #handOver(tenure: Tenure): Promise<void> {
    const { pause, deliveryAttempts } = this.#context;
    pause.handOver();
    tenure.pauseChanged();
    tenure.keys.rest();
    await within(this.#engine.clock, handOverMs, (deadline) => tenure.idle(deadline));
    const reason = new MillraceError('MILL_STOPPING', 'another engine continues with the partition');
    await this.#ownership.handOver(tenure, () => deliveryAttempts.close(reason));
    this.#handingOver = undefined;
    pause.handedOver();
    this.#ownership.tenure?.pauseChanged();
  }

  #begun(keys: KeysAtWork): void {
    this.work.begin(keys);
    if (this.#toldOf === this.absences) return;
    this.#toldOf = this.absences;
    this.#taken();
  }

  get #isKeyed(): boolean {
    return this.#pipeline.declaration.key !== undefined;
  }

  /** Resolves to false if the events are left to the next tenure: this one has ended meanwhile, or let its turns rest for a hand-over. */
  async #tenureHasCaughtUp(deadline: Deadline, keys?: readonly string[]): Promise<boolean> {
    const ownership = this.#ownership;
    const { present } = ownership;
    const handOvers = this.#handOvers;
    await present.caughtUp(deadline, keys);
    const isPresent = present === ownership.tenure && handOvers === this.#handOvers;
    return ownership.isOver || (isPresent && !ownership.isRecovering && !this.isAway);
  }

  /**
   * Checks the owner's progress now and then, since it reports to nobody. Resolves to true once it has come as far as the log had, or at
   * the caller's deadline; to false once there is no other owner.
   */
  async #ownerHasCaughtUp(deadline: Deadline): Promise<boolean> {
    const { store, clock } = this.#engine;
    const { head } = await store.progress(this.id);
    while (!deadline.isOver && this.isAway) {
      const { cursor } = await store.progress(this.id);
      if (cursor >= head) return true;
      const pause = new Waiters();
      const disarm = clock.after(progressEveryMs, () => pause.wake());
      await pause.next(deadline);
      disarm();
    }
    return deadline.isOver;
  }
}
