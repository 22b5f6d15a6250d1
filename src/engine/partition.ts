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
import { Waiters } from './waiters.ts';
import { Waits } from './waits.ts';

/** Turns and calls under way are given so long before the partition is handed over, in milliseconds. */
const handOverMs = 1_000;
/** What an operator does to a key. */
export type KeyAct = 'park' | 'resume' | 'skipGap';
/** How often somebody who waits for another engine looks how far that has come. */
const progressEveryMs = 25;

/**
 * A slice of a pipeline's keys, for all who have to do with it: the log tells it of events, the door asks it, readers wait for it, and
 * operators give it orders. Who works on it, and what becomes of it after a failure, is a matter of its {@link Ownership}; what is asked of
 * a partition that nobody here works on is answered here.
 *
 * While another engine works on it, what the door takes in goes to the log all the same, and reads are answered from what is on disk. While
 * the store has no room, no turn begins, because nothing that it decides could be kept, nothing is taken in, and reads are answered from what
 * is on disk.
 */
export class Partition implements LogReader {
  readonly id: PartitionId;
  /** The age of what waits for a number. */
  readonly gapWatch: GapWatch;
  /** The work of its keys, for whoever waits for it. */
  readonly work: KeyWork;
  readonly #engine: EngineContext;
  readonly #pipeline: PipelineContext;
  readonly #context: PartitionContext;
  readonly #ownership: Ownership;
  readonly #progress: Progress;
  /** Events on their way to the log. */
  #arriving = 0;
  #isHandingOver = false;
  #taken: () => void = () => undefined;
  /** Of how many absences somebody was told. */
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
      settled: () => this.#progress.settled(),
    });
    this.work = new KeyWork(this.#ownership, this.#context.deliveryAttempts);
  }

  /**
   * Claims the partition and sets to work; where the store has no room, once there is some. Throws what else the store throws, and
   * `MILL_INVALID_DECLARATION` for events that the pipeline cannot take over.
   */
  start(): Promise<void> {
    return this.#ownership.start();
  }

  /** Its lease is ours, or nobody's and ours to claim; see {@link Ownership.take}. */
  take(askedAt: number, head: number): Promise<void> {
    return this.#ownership.take(askedAt, head);
  }

  /** The highest position known to be in the log; 0 while nobody here works on it. */
  get head(): number {
    return this.#ownership.head;
  }

  /** Ends the engine where the store has lost part of the log; see {@link Ownership.checkLog}. */
  checkLog(askedAt: number, head: number, known: number): void {
    this.#ownership.checkLog(askedAt, head, known);
  }

  /** Its lease is not ours, and not ours to claim; see {@link Ownership.leave}. */
  leave(askedAt: number): void {
    this.#ownership.leave(askedAt);
  }

  /** The lease is over, or has run out as far as anybody here can tell. */
  leaseLost(error: MillraceError): void {
    this.#ownership.lost(error);
  }

  /** Begins no turn and no call, lets those under way end for a moment, and gives the lease back for another engine to claim. */
  async handOver(): Promise<void> {
    const { pause, deliveryAttempts } = this.#context;
    const { tenure, isOver, isAway, isRecovering } = this.#ownership;
    if (tenure === undefined || isOver || isRecovering || this.#isHandingOver) return;
    if (isAway) return this.#ownership.releaseAgain();
    this.#isHandingOver = true;
    pause.handOver();
    tenure.pauseChanged();
    tenure.keys.rest();
    await within(this.#engine.clock, handOverMs, (deadline) => tenure.idle(deadline));
    const reason = new MillraceError('MILL_STOPPING', 'another engine goes on with the partition');
    await this.#ownership.handOver(tenure, () => deliveryAttempts.close(reason));
    this.#isHandingOver = false;
    pause.handedOver();
    this.#ownership.tenure?.pauseChanged();
  }

  /** Sets who is told whenever this engine takes it over from another one. */
  whenTaken(taken: () => void): void {
    this.#taken = taken;
  }

  /** What keeps it from making progress; undefined while all is well. */
  get trouble(): string | undefined {
    return this.#ownership.hindrance.trouble;
  }

  /** Why nothing is taken in or decided: the store has no room. Undefined while all is well, or something else is wrong. */
  get refusal(): MillraceError | undefined {
    return this.#ownership.hindrance.refusal;
  }

  /** Whether another engine works on it. */
  get isAway(): boolean {
    return this.#ownership.isAway;
  }

  /** Whether this engine works on it, or is about to again. */
  get isOurs(): boolean {
    return this.#ownership.tenure !== undefined && !this.isAway && !this.#ownership.isOver;
  }

  /** Accepted or on their way, and not settled; where events share keys, those left out that wait for their key and not for room to send. */
  get backlog(): number {
    const { backlog = 0, throttled = 0 } = this.#ownership.tenure ?? {};
    const waiting = this.#isKeyed ? backlog + throttled : this.#context.ledger.unsettled;
    return waiting + this.#arriving;
  }

  /** Accepted or on their way, and not settled, whatever they wait for. */
  get unsettled(): number {
    return this.#context.ledger.unsettled + this.#arriving;
  }

  /** Whether `unsettled` is all that waits here: not before a claim has told. What waits where another engine works is counted there. */
  get isCounted(): boolean {
    const { isAway, isTaking } = this.#ownership;
    return this.#context.ledger.isCounted || (isAway && !isTaking);
  }

  /** What the partition has of its own for the counts of its pipeline. */
  figures(): SliceFigures {
    const held = Math.max(0, this.#context.ledger.unsettled - (this.#ownership.tenure?.backlog ?? 0));
    const partitions = Number(this.#ownership.lease !== undefined);
    const oldest = this.#ownership.tenure?.oldestUnreached;
    const lagMs = oldest === undefined ? 0 : Math.max(0, this.#engine.clock.now() - oldest);
    return { held, gaps: this.gapWatch.count, oldestGapMs: this.gapWatch.ageMs, partitions, lagMs };
  }

  /** Whether something is left that could be done now. */
  get hasWork(): boolean {
    const ownership = this.#ownership;
    if (ownership.isOver || ownership.isAway || this.refusal !== undefined) return false;
    return ownership.isRecovering || !ownership.present.isIdle;
  }

  /** For how long, as far as looks at it tell, there has been work and nothing was settled. */
  silentMs(): number {
    return this.#progress.silentMs(this.hasWork);
  }

  /** Tells of accepted events, in position order. */
  offer(events: readonly FedEvent[]): void {
    this.#ownership.offer(events);
  }

  /** The log may hold more events than were announced; where it is known, up to which position. */
  look(upTo?: number): void {
    this.#ownership.look(upTo);
  }

  /** An event is about to go to the log. Counts it as arriving if it may; see {@link Admissions.admit}. */
  arrive(key: string, number: number | null, isFull: boolean, wasWarmed: boolean): Admission {
    // A key of its own waits for nothing.
    const mayWait = this.#isKeyed && !this.isAway;
    const admission = mayWait ? this.#ownership.present.admissions.admit(key, number, isFull, wasWarmed) : 'in';
    if (admission === 'in') this.#arriving += 1;
    return admission;
  }

  /** Brings keys into memory, so that `arrive` knows them. Throws what the store throws. */
  async warm(keys: readonly string[]): Promise<void> {
    if (!this.isAway) await this.#ownership.present.warm(keys);
  }

  /** An event that was let in is in the log, or will not come. */
  arrived(key: string, accepted: boolean): void {
    this.#arriving -= 1;
    if (!accepted) this.#ownership.tenure?.admissions.gone(key);
  }

  /** Drops everything in memory and goes on from what is on disk, since the store failed. */
  recover(error: unknown): void {
    this.#ownership.recover(error);
  }

  /** Whether every event of some keys that was accepted before is settled or waits for its key, and all of it is on disk. */
  isCaughtUp(keys: readonly string[]): boolean {
    if (this.refusal !== undefined) return true;
    return !this.isAway && !this.#ownership.isRecovering && this.#ownership.present.isCaughtUp(keys);
  }

  /** Resolves once every event accepted before the call (for some keys, or all) is settled or waits for its key. */
  async caughtUp(deadline: Deadline, keys?: readonly string[]): Promise<void> {
    const ownership = this.#ownership;
    while (!deadline.isOver && this.refusal === undefined) {
      if (this.isAway) {
        // What an owner has left is this engine's to settle once it takes the partition over.
        if ((await deadline.race(this.#ownerHasCaughtUp(deadline))) !== false) return;
      } else if (ownership.isRecovering) await ownership.recovered(deadline);
      else {
        const { present } = ownership;
        await present.caughtUp(deadline, keys);
        // What a tenure has left that has ended meanwhile is the next one's to settle.
        if (ownership.isOver || (present === ownership.tenure && !ownership.isRecovering && !this.isAway)) return;
      }
    }
  }

  /** Resolves once nothing is left to do for a key now, or its owner has settled its events. */
  async finished(key: string): Promise<void> {
    if (this.isAway) await this.#ownerHasCaughtUp(new Deadline());
    else await this.work.finished(key);
  }

  /** How often other engines may have worked on it. */
  get absences(): number {
    return this.#ownership.absences;
  }

  /** Resolves once this engine works on it, or when the caller's time is over. */
  isHere(deadline: Deadline): Promise<void> {
    return this.#ownership.isHere(deadline);
  }

  /** Resolves once nothing is left that could be done now. */
  async idle(deadline: Deadline): Promise<void> {
    if (this.refusal !== undefined) return;
    await this.#ownership.recovered(deadline);
    if (!this.isAway) await this.#ownership.present.idle(deadline);
  }

  /** Resolves once the store has noted every gap that there is by now. */
  async noteGaps(deadline: Deadline): Promise<void> {
    await this.caughtUp(deadline);
    if (!this.isAway) await this.#ownership.present.noteGaps();
  }

  /** @param witness is committed with it */
  async redrive(letter: DeadLetter, witness?: Witness): Promise<void> {
    await this.#ownership.writable.resolver.redrive(letter, witness);
  }

  /** @param witness as of {@link redrive} */
  async discard(letter: DeadLetter, witness?: Witness): Promise<void> {
    await this.#ownership.writable.resolver.discard(letter, witness);
  }

  /** Parks a key, lets one go on that was parked by hand, or has one go past missing numbers. @param witness as of {@link redrive} */
  async actOnKey(act: KeyAct, key: string, witness: Witness): Promise<void> {
    await this.#ownership.writable.keyActs[act](key, witness);
  }

  /** @param witness as of {@link redrive} */
  async sendNow(delivery: DeliveryName, witness?: Witness): Promise<void> {
    await this.#ownership.writable.deliveries.sendNow(delivery, witness);
  }

  /** @param witness as of {@link redrive} */
  async withdrawOne(delivery: DeliveryName, reason: string, witness?: Witness): Promise<void> {
    await this.#ownership.writable.deliveries.withdraw(delivery, reason, witness);
  }

  /** Tells another engine what came of its command. */
  async answer(answer: CommandAnswer): Promise<void> {
    await this.#ownership.writable.answer(answer);
  }

  /**
   * Makes a dead letter of a row, unless its origin is pending already. Resolves when it is on disk, or the partition works no more.
   * After a failure of the store nobody knows whether it is on disk: the store is asked before the next tenure tries again.
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

  /** The lease of the tenure at work; undefined while none is. */
  get lease(): Lease | undefined {
    return this.#ownership.lease;
  }

  /** Rows have become dead letters of this partition under a lease, and no tenure has drafted them. A later claim has counted them. */
  buried(lease: Lease, letters: number): void {
    if (this.lease === lease) this.#context.ledger.buried(letters);
  }

  /** The pipeline was paused or resumed. */
  pauseChanged(): void {
    this.#progress.pauseChanged();
    this.#ownership.tenure?.pauseChanged();
  }

  /**
   * Discards what waits in a paused pipeline, or of one key of it; returns how many events that were. The present tenure ends for it, and
   * the next one begins with what is left.
   */
  discardWaiting(only: string | undefined): Promise<number> {
    const { store } = this.#engine;
    const pipeline = this.#pipeline.declaration;
    const discarded = (events: number, letters: readonly string[]) => this.#context.ledger.discarded(events, letters);
    return this.#ownership.between('what waits is being discarded', () =>
      discardWaiting({ store, partition: this.id, pipeline, discarded }, only),
    );
  }

  /** Removes all deliveries of an endpoint that is not declared; returns how many there were. */
  async withdraw(endpoint: string): Promise<number> {
    return this.#ownership.writable.withdrawal.withdraw(endpoint);
  }

  /** Commits what is finished, and ends. The lease ends when the store is closed. */
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

  #begun(keys: KeysAtWork): void {
    this.work.begin(keys);
    if (this.#toldOf === this.absences) return;
    this.#toldOf = this.absences;
    this.#taken();
  }

  get #isKeyed(): boolean {
    return this.#pipeline.declaration.key !== undefined;
  }

  /**
   * Looks now and then how far the owner has come, since it tells nobody. Resolves to true once it has come as far as the log had, or the
   * caller's time is over; to false once there is no other owner.
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
