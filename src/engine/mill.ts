import type { AnyPipeline, PipelineInput, PipelineState, Pipelines, PipelinesOf } from '../pipeline/pipeline.ts';
import type { Table } from '../pipeline/table.ts';
import type { TableQuery } from '../pipeline/table-query.ts';
import type {
  AuditEntry,
  AuditQuery,
  DeadLetter,
  DeadLetterFilter,
  DeadLetterGroup,
  DeadLetterGroupQuery,
  DeadLetterQuery,
  DeliveryName,
  ListedDelivery,
  ListedTimer,
  OperationQuery,
  StoreStats,
} from '../store/store.ts';
import {
  checkAuditQuery,
  checkBatch,
  checkByWhom,
  checkDeadLetterFilter,
  checkDeadLetterGroupQuery,
  checkDeadLetterQuery,
  checkDeliveryListQuery,
  checkDeliveryName,
  checkDiscard,
  checkFreshness,
  checkGapsQuery,
  checkIngestOptions,
  checkKeyListQuery,
  checkOperation,
  checkOperationQuery,
  checkReading,
  checkStop,
  checkText,
  checkTexts,
  checkTimeout,
  checkTimerListQuery,
} from './check-arguments.ts';
import { checkMillOptions } from './check-mill-options.ts';
import type { SeenCommit } from './commit-watch.ts';
import type { PipelineCounts } from './counts.ts';
import { within } from './deadline.ts';
import { assemble, type EngineParts } from './engine-parts.ts';
import type { FleetStatus } from './fleet/fleet.ts';
import type { IngestOptions } from './identify.ts';
import type { SourceStatus } from './inlets/source-reader.ts';
import { freshnessMs } from './key-reader.ts';
import type { Leftover } from './leftovers/leftover.ts';
import { Lifecycle } from './lifecycle.ts';
import type { Limits } from './limits.ts';
import type {
  AskedOperation,
  ByWhom,
  DeliveryListQuery,
  DiscardOptions,
  Freshness,
  GapsQuery,
  Health,
  KeyDetails,
  KeyListQuery,
  KeyStatus,
  ListedKey,
  MillOptions,
  Operation,
  ResolvedLetters,
  StopOptions,
  TimerListQuery,
  WaitingKey,
} from './mill-options.ts';
import type { EndpointWaits } from './outbox/endpoint-gate.ts';
import type { ReadOptions } from './reads.ts';
import type { ScheduleControl } from './schedules/schedules.ts';
import type { SendLoop } from './send-loop.ts';
import type { TimelinePage, TimelinePlace } from './timeline-page.ts';
import type { Turns } from './turns-under-way.ts';
import type { Ingested, Judged } from './verdicts.ts';

const stopTimeoutMs = 10_000;

/**
 * Makes an engine out of pipelines and a store; `start()` sets it to work. Its type knows the pipelines of the list: their names,
 * events and states. Throws `MILL_INVALID_CONFIGURATION` for an option that is wrong or unknown, and `MILL_INVALID_DECLARATION` for
 * pipelines that do not go together.
 */
export function millrace<const List extends readonly AnyPipeline[]>(options: MillOptions<List>): Mill<PipelinesOf<List>> {
  checkMillOptions(options);
  return new Mill<PipelinesOf<List>>(options);
}

/**
 * The engine. `ingest` takes events in; handlers run by themselves.
 *
 * ```ts
 * const mill = await millrace({ store: sqlite('data/millrace.db'), pipelines: [rockets] }).start();
 * await mill.ingest('rockets', message);
 * await mill.state('rockets', id);
 * await mill.stop();
 * ```
 *
 * `Mill` alone is any engine, and takes any name and event. `Mill<{ rockets: typeof rockets }>` is an engine that has this pipeline,
 * perhaps among others; `typeof mill` knows them all. An engine can stand wherever less is asked for.
 */
export class Mill<P extends Pipelines = Pipelines> {
  readonly pipelines: ReadonlyMap<string, AnyPipeline>;
  /** The bounds that it keeps. */
  readonly limits: Limits;
  /** The turns under way, for handlers of failures for which no turn waits. */
  readonly turns: Turns;
  /** Settles when the engine has ended: resolves after `stop()`, rejects when the store failed for good. */
  readonly stopped: Promise<void>;
  readonly #parts: EngineParts;
  readonly #lifecycle: Lifecycle;

  constructor(options: MillOptions) {
    const parts = assemble(options);
    this.#parts = parts;
    this.#lifecycle = new Lifecycle(parts);
    this.pipelines = parts.declared.byName;
    this.limits = parts.engine.limits;
    this.turns = parts.engine.turns;
    this.stopped = parts.state.stopped;
  }

  /** Opens the store, takes what a former run left, and sets to work. Throws what the store throws. */
  async start(): Promise<this> {
    await this.#lifecycle.start();
    return this;
  }

  /**
   * Refuses new events at once, handles what is accepted for at most `timeoutMs` (10 s), hands back what is not done
   * by then, and closes the store. A start goes on from there.
   */
  async stop(options: StopOptions = {}): Promise<void> {
    checkStop(options);
    return this.#lifecycle.stop(options.timeoutMs ?? stopTimeoutMs);
  }

  /**
   * Takes an event in. When it returns, the event is on disk (promise 1).
   *
   * @throws MillraceError `MILL_INVALID_EVENT` with the issues, `MILL_PIPELINE_FAILED` when `key` or another function of the
   *   pipeline throws (its `cause` is what was thrown, and the log has its stack), or `MILL_BACKLOG_FULL`, `MILL_KEY_FULL`, `MILL_STOPPING`,
   *   `MILL_EVENT_TOO_LATE`, `MILL_EVENT_TOO_EARLY`, `MILL_STORE_…`; then nothing of it is stored
   */
  async ingest<Name extends keyof P & string>(pipeline: Name, event: PipelineInput<P[Name]>, options?: IngestOptions): Promise<Ingested> {
    checkIngestOptions('ingest', options);
    const { id, traceparent } = options ?? {};
    return (await this.#parts.door.take(this.#parts.declared.get(pipeline), event, { id, traceparent })).ingested;
  }

  /**
   * Takes many events in, each judged by itself, in one commit. Throws only where it cannot judge at all: `MILL_BACKLOG_FULL`
   * when there is no room for all of them together, `MILL_INVALID_REQUEST` for too many, `MILL_STOPPING`, `MILL_STORE_…`.
   */
  async ingestBatch<Name extends keyof P & string>(
    pipeline: Name,
    events: readonly PipelineInput<P[Name]>[],
    options: Pick<IngestOptions, 'traceparent'> = {},
  ): Promise<readonly Judged[]> {
    checkBatch('ingestBatch', events, options);
    return this.#parts.door.takeBatch(this.#parts.declared.get(pipeline), events, options);
  }

  /**
   * The committed state of a key, undefined where there is none. It sees every event that was accepted before the call
   * and could be applied within `waitMs` (250).
   */
  async state<Name extends keyof P & string>(
    pipeline: Name,
    key: string,
    freshness: Freshness = {},
  ): Promise<PipelineState<P[Name]> | undefined> {
    checkText('state', 'key', key);
    checkFreshness('state', freshness);
    // A state that is read has passed the pipeline's schema, when it was stored or just now.
    const state = await this.#parts.keys.state(this.#parts.declared.get(pipeline), key, freshness);
    return state as PipelineState<P[Name]> | undefined;
  }

  /** How keys stand, in the order asked. As fresh as `state`. */
  async keys(pipeline: keyof P & string, keys: readonly string[], freshness: Freshness = {}): Promise<readonly KeyStatus[]> {
    checkTexts('keys', 'keys', keys);
    checkFreshness('keys', freshness);
    return this.#parts.keys.statuses(this.#parts.declared.get(pipeline), keys, freshness);
  }

  /**
   * A page of the keys of a pipeline, in the order of their bytes: all that have a state, a number, events that wait, timers or outcomes. As fresh as `state`.
   * A page of all of them, or of those with a prefix, costs the same however many there are; one of open keys looks at the others between them.
   */
  async listKeys(pipeline: keyof P & string, query: KeyListQuery = {}, freshness: Freshness = {}): Promise<readonly ListedKey[]> {
    checkKeyListQuery(query);
    checkFreshness('listKeys', freshness);
    return this.#parts.keyList.list(this.#parts.declared.get(pipeline), query, freshness);
  }

  /** Returns a page of what happened to a key, the newest first, with what operators did. */
  async timeline(
    pipeline: keyof P & string,
    key: string,
    asked: { readonly limit: number; readonly place?: TimelinePlace | undefined },
    reading: ReadOptions = {},
  ): Promise<TimelinePage> {
    checkText('timeline', 'key', key);
    return this.#parts.timeline.read(this.#parts.declared.get(pipeline), key, asked, reading);
  }

  /** All that is shown of one key, undefined for a key of which nothing is known. As fresh as `state`. */
  async keyDetails(pipeline: keyof P & string, key: string, freshness: Freshness = {}): Promise<KeyDetails | undefined> {
    checkText('keyDetails', 'key', key);
    checkFreshness('keyDetails', freshness);
    return this.#parts.keyDetails.read(this.#parts.declared.get(pipeline), key, freshness);
  }

  /** A page of the armed timers of a pipeline, those due first in front, then by key and name. As fresh as `state`. */
  async timers(pipeline: keyof P & string, query: TimerListQuery = {}, freshness: Freshness = {}): Promise<readonly ListedTimer[]> {
    checkTimerListQuery(query);
    checkFreshness('timers', freshness);
    return this.#parts.timers.list(this.#parts.declared.get(pipeline), query, freshness);
  }

  /**
   * A page of the deliveries of a pipeline that have no outcome yet, in the order of endpoints, keys and ids; also those to endpoints that it no longer
   * declares. As fresh as `state`.
   */
  async deliveries(
    pipeline: keyof P & string,
    query: DeliveryListQuery = {},
    freshness: Freshness = {},
  ): Promise<readonly ListedDelivery[]> {
    checkDeliveryListQuery(query);
    checkFreshness('deliveries', freshness);
    return this.#parts.deliveries.list(this.#parts.declared.get(pipeline), query, freshness);
  }

  /**
   * Returns whether anything is known of a key: a state, a number, events that wait, timers, deliveries, outcomes or dead letters. As fresh as
   * `state`; true as well while events are under way, since nobody can say yet what they leave.
   */
  async knows(pipeline: keyof P & string, key: string, freshness: Freshness = {}): Promise<boolean> {
    checkText('knows', 'key', key);
    checkFreshness('knows', freshness);
    return this.#parts.keys.knows(this.#parts.declared.get(pipeline), key, freshness);
  }

  /** Resolves true once every event accepted before the call is handled or waits for its key, false after `timeoutMs`. */
  async settled(pipeline: keyof P & string, timeoutMs = freshnessMs): Promise<boolean> {
    checkTimeout('settled', timeoutMs);
    const partitions = this.#parts.partitions.of(this.#parts.declared.get(pipeline).name);
    return within(this.#parts.engine.clock, timeoutMs, (deadline) =>
      Promise.all(partitions.map((partition) => partition.caughtUp(deadline))),
    );
  }

  /** Resolves true once there is nothing left to do now in any pipeline, false after `timeoutMs`. */
  async idle(timeoutMs: number): Promise<boolean> {
    checkTimeout('idle', timeoutMs);
    return this.#parts.idle(timeoutMs);
  }

  /**
   * A read-only query over a declared table: `mill.query(rockets).selectAll().where('speed', '>', 100).execute()`. It throws
   * `MILL_READ_TIMEOUT` when it takes longer than `timeoutMs`, by default `limits.readTimeoutMs`, and ends once the signal is aborted.
   */
  query<T extends Table>(table: T, options: ReadOptions = {}): TableQuery<T> {
    checkReading('query', options);
    return this.#parts.queries.over(table, options);
  }

  /**
   * The keys that wait for a number, in the order of their age: which number is missing, what waits behind it, and since when. As fresh as
   * `state`.
   */
  async gaps(pipeline: keyof P & string, query: GapsQuery = {}): Promise<readonly WaitingKey[]> {
    checkGapsQuery(query);
    return this.#parts.gaps.read(this.#parts.declared.get(pipeline), query, freshnessMs);
  }

  /** What was given up, in the order in which it failed. */
  async deadLetters(query: Partial<DeadLetterQuery<keyof P & string>> = {}, options: ReadOptions = {}): Promise<readonly DeadLetter[]> {
    checkDeadLetterQuery(query);
    checkReading('deadLetters', options);
    return this.#parts.deadLetters.list(query, options);
  }

  /**
   * Tries a dead letter's event again, before anything else of its key; a parked key is open again. Throws `MILL_NOT_FOUND`, `MILL_CONFLICT`, and
   * `MILL_STORE_LEASED` where another engine that owns it has not done it in time.
   */
  async redrive(deadLetterId: string, by?: ByWhom): Promise<void> {
    checkByWhom('redrive', by);
    checkText('redrive', 'deadLetterId', deadLetterId);
    await this.#parts.deadLetters.redrive(deadLetterId, by);
  }

  /**
   * Lets a parked key go on: its event that was given up is tried again, as `redrive` of its dead letter does, and one that was parked by hand goes on with
   * what it holds. Throws `MILL_CONFLICT` where the key is not parked, and what `redrive` throws.
   */
  async resumeKey(pipeline: keyof P & string, key: string, by?: ByWhom): Promise<void> {
    checkText('resumeKey', 'key', key);
    checkByWhom('resumeKey', by);
    if (await this.#parts.deadLetters.redriveParking(pipeline, key, by)) return;
    await this.#parts.operations.actOnKey('resume', pipeline, { key, by });
  }

  /**
   * Parks a key: no turn of it begins before it is resumed, also after a restart, and it holds its events. A turn under way ends first. Throws
   * `MILL_CONFLICT` where the key is parked already, or its next turn waits for room in a pipeline that it sends to, and what `redrive` throws.
   */
  async parkKey(pipeline: keyof P & string, key: string, by?: ByWhom): Promise<void> {
    checkText('parkKey', 'key', key);
    checkByWhom('parkKey', by);
    await this.#parts.operations.actOnKey('park', pipeline, { key, by });
  }

  /**
   * Has a key go past the numbers that it waits for; a dead letter and the audit say which these are. Throws `MILL_CONFLICT` where the key is not open or
   * waits for no number, and what `redrive` throws.
   */
  async skipGap(pipeline: keyof P & string, key: string, by?: ByWhom): Promise<void> {
    checkText('skipGap', 'key', key);
    checkByWhom('skipGap', by);
    await this.#parts.operations.actOnKey('skipGap', pipeline, { key, by });
  }

  /** Returns how many dead letters there are of those asked for. */
  async countDeadLetters(filter: DeadLetterFilter<keyof P & string> = {}, options: ReadOptions = {}): Promise<number> {
    checkDeadLetterFilter('countDeadLetters', filter);
    checkReading('countDeadLetters', options);
    return this.#parts.deadLetters.count(filter, options);
  }

  /** Returns dead letters by kind, pipeline and what their reasons have in common, the largest groups first. */
  async deadLetterGroups(query: DeadLetterGroupQuery, options: ReadOptions = {}): Promise<readonly DeadLetterGroup[]> {
    checkDeadLetterGroupQuery(query);
    checkReading('deadLetterGroups', options);
    return this.#parts.deadLetters.groups(query, options);
  }

  /** Redrives dead letters that are named, as `redrive` does with one. Those that cannot be redriven stay as they are. */
  async redriveLetters(deadLetterIds: readonly string[], by?: ByWhom): Promise<ResolvedLetters> {
    checkTexts('redriveLetters', 'deadLetterIds', deadLetterIds);
    checkByWhom('redriveLetters', by);
    return this.#parts.deadLetters.resolveNamed(deadLetterIds, 'redrive', by);
  }

  /** Discards dead letters that are named, as `discard` does with one. */
  async discardLetters(deadLetterIds: readonly string[], by?: ByWhom): Promise<ResolvedLetters> {
    checkTexts('discardLetters', 'deadLetterIds', deadLetterIds);
    checkByWhom('discardLetters', by);
    return this.#parts.deadLetters.resolveNamed(deadLetterIds, 'discard', by);
  }

  /**
   * Redrives or discards all dead letters that a filter matches when the operation begins, each once, also after a crash and in a fleet. It begins after a
   * moment in which `undoOperation` calls it off; `operations` tells how far it has come.
   */
  async operate(asked: AskedOperation<keyof P & string>, by: ByWhom = {}): Promise<Operation> {
    checkOperation(asked);
    checkByWhom('operate', by);
    return this.#parts.letterOperations.begin(asked, by);
  }

  /** Returns operations on dead letters of the last 90 days, the latest first. */
  async operations(query: Partial<OperationQuery> = {}): Promise<readonly Operation[]> {
    checkOperationQuery(query);
    return this.#parts.letterOperations.list(query);
  }

  /** Calls an operation off that has not begun. Throws `MILL_NOT_FOUND`, and `MILL_CONFLICT` once it has begun. */
  async undoOperation(id: string, by: ByWhom = {}): Promise<Operation> {
    checkText('undoOperation', 'id', id);
    checkByWhom('undoOperation', by);
    return this.#parts.letterOperations.undo(id, by);
  }

  /** Breaks an operation off; what it has done stays done. Throws `MILL_NOT_FOUND`, and `MILL_CONFLICT` once it is over. */
  async stopOperation(id: string, by: ByWhom = {}): Promise<Operation> {
    checkText('stopOperation', 'id', id);
    checkByWhom('stopOperation', by);
    return this.#parts.letterOperations.stop(id, by);
  }

  /** Gives a dead letter's event up for good; a parked key goes on with the events behind it. Throws what `redrive` throws. */
  async discard(deadLetterId: string, by?: ByWhom): Promise<void> {
    checkByWhom('discard', by);
    checkText('discard', 'deadLetterId', deadLetterId);
    await this.#parts.deadLetters.discard(deadLetterId, by);
  }

  /**
   * Starts no further turn of a pipeline before it is resumed, also after a restart. Turns under way end; deliveries that were asked for are
   * made; events are taken in until the backlog is full. It has nothing to do with the schedule of the pipeline, which goes on.
   */
  async pause(pipeline: keyof P & string, by?: ByWhom): Promise<void> {
    checkByWhom('pause', by);
    await this.#parts.operations.setPaused(pipeline, true, by);
  }

  /** Lets a paused pipeline go on. */
  async resume(pipeline: keyof P & string, by?: ByWhom): Promise<void> {
    checkByWhom('resume', by);
    await this.#parts.operations.setPaused(pipeline, false, by);
  }

  /**
   * Discards the events of a paused pipeline that are accepted and not handled, or those of one key: they never have a turn. A parked event
   * goes with its dead letter; states, timers, deliveries and outcomes stay. Returns how many events there were. After a failure some may be gone:
   * call it again.
   *
   * @throws MillraceError `MILL_CONFLICT` when the pipeline is not paused
   */
  async discardEvents(pipeline: keyof P & string, options: DiscardOptions = {}): Promise<number> {
    checkDiscard('discardEvents', options);
    return this.#parts.operations.discardEvents(pipeline, options);
  }

  /**
   * Discards all dead letters of a pipeline that there are at the call, or those of one key, as `discard` does with one. Returns how many
   * there were.
   */
  async discardDeadLetters(pipeline: keyof P & string, options: DiscardOptions = {}): Promise<number> {
    checkDiscard('discardDeadLetters', options);
    return this.#parts.deadLetters.discardAll(pipeline, options);
  }

  /** Stored work whose declaration is gone: of pipelines, endpoints, timers, states or schedules that are no longer declared. As of the last look, soon after the start. */
  leftovers(): readonly Leftover[] {
    return this.#parts.leftovers.found;
  }

  /**
   * Withdraws the deliveries that wait for an endpoint that is no longer declared: nobody is called and no key is told. Returns how
   * many. Throws `MILL_CONFLICT` when the endpoint is declared, `MILL_NOT_FOUND` when nothing waits for it.
   */
  async withdraw(pipeline: keyof P & string, endpoint: string, by?: ByWhom): Promise<number> {
    checkByWhom('withdraw', by);
    checkText('withdraw', 'endpoint', endpoint);
    return this.#parts.operations.withdraw(pipeline, endpoint, by);
  }

  /**
   * Makes a delivery that waits due now, whatever it waits for; the limits of its endpoint hold, and one in order stays behind those before it. Throws
   * `MILL_NOT_FOUND` where none of that name waits, `MILL_CONFLICT` where its call is under way, or its endpoint is no longer declared.
   */
  async sendDelivery(pipeline: keyof P & string, delivery: DeliveryName, by?: ByWhom): Promise<void> {
    checkDeliveryName('sendDelivery', delivery);
    checkByWhom('sendDelivery', by);
    await this.#parts.deliveries.sendNow(pipeline, delivery, by);
  }

  /**
   * Withdraws one delivery that waits: it is never called, and its key is told that it is `given up`, with the reason, in its order. It leaves no dead
   * letter. Throws `MILL_NOT_FOUND` where none of that name waits, `MILL_CONFLICT` where its call is under way.
   */
  async withdrawDelivery(pipeline: keyof P & string, delivery: DeliveryName, by?: ByWhom): Promise<void> {
    checkDeliveryName('withdrawDelivery', delivery);
    checkByWhom('withdrawDelivery', by);
    await this.#parts.deliveries.withdraw(pipeline, delivery, by);
  }

  /** The schedule of a pipeline, in the hand of somebody whom the audit names. Throws `MILL_NOT_FOUND` when it has none. */
  schedule(pipeline: keyof P & string, by?: ByWhom): ScheduleControl {
    checkByWhom('schedule', by);
    return this.#parts.schedules.control(this.#parts.declared.get(pipeline).name, by);
  }

  /**
   * What operators have done by calls that say by whom, and over HTTP, the latest first, for 90 days. To redrive, discard, pause or resume is noted in
   * the transaction that does it; anything else takes several, and is noted before the first.
   */
  async audit(query: Partial<AuditQuery> = {}, options: ReadOptions = {}): Promise<readonly AuditEntry[]> {
    checkAuditQuery(query);
    checkReading('audit', options);
    return this.#parts.audit.list(query, options);
  }

  /** One snapshot of every pipeline's counts. */
  counts(): { readonly [Name in keyof P]: PipelineCounts } {
    const counts = Array.from(this.pipelines.values(), (pipeline) => [pipeline.name, this.#parts.partitions.counts(pipeline)]);
    // These are the pipelines that the type has the names of.
    return Object.fromEntries(counts) as { readonly [Name in keyof P]: PipelineCounts };
  }

  /** Why a pipeline makes no progress; undefined when it does, or has nothing to do. */
  trouble(pipeline: keyof P & string): string | undefined {
    return this.#parts.partitions.troubleOf(this.#parts.declared.get(pipeline).name);
  }

  /** The endpoints of which deliveries wait longer than for their turn: their transport makes no calls, or addresses give no answers. */
  endpointWaits(): readonly EndpointWaits[] {
    return this.#parts.partitions.endpointWaits();
  }

  /**
   * Pipelines that feed themselves by sends and have come to the limit `sends`: their turns wait for room that only they could make.
   * Empty while all is well.
   */
  loops(): readonly SendLoop[] {
    return this.#parts.engine.room.loops();
  }

  /** How far the topic that a pipeline takes events from was read by this engine; undefined for a pipeline without one. */
  source(pipeline: keyof P & string): SourceStatus | undefined {
    return this.#parts.inlets.status(pipeline);
  }

  /** Shows every commit of this engine to somebody from now on; returns what ends that. The watcher is called in between turns, so it is brief. */
  watch(watcher: (commit: SeenCommit) => void): () => void {
    return this.#parts.engine.commitWatch.watch(watcher);
  }

  /** The engines that work on the database, and how many partitions each has. Throws what the store throws. */
  async fleet(): Promise<FleetStatus> {
    this.#parts.state.checkWorking();
    return this.#parts.fleet.status();
  }

  /** What the store says of itself. */
  storeStats(): Promise<StoreStats> {
    return this.#parts.engine.store.stats();
  }

  /** Healthy means: makes progress, or has nothing to do (promise 9). */
  health(): Health {
    const { state, door, partitions, inbox, inlets } = this.#parts;
    if (state.failure !== undefined) return { status: 'unavailable', reason: state.failure.message };
    if (!state.isWorking) return { status: 'unavailable', reason: state.isStopping ? 'stopping' : 'not started' };
    const reason = door.refusal ?? partitions.trouble();
    if (reason !== undefined) return { status: 'unavailable', reason };
    const warnings = [...partitions.warnings(), ...inbox.warnings(), ...inlets.warnings()];
    return warnings.length > 0 ? { status: 'ok', warnings } : { status: 'ok' };
  }
}
