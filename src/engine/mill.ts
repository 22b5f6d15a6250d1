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
 * Creates an engine from pipelines and a store; `start()` starts it. Its type knows the pipelines of the list: their names, events and
 * states. Throws `MILL_INVALID_CONFIGURATION` for a wrong or unknown option, and `MILL_INVALID_DECLARATION` for incompatible pipelines.
 */
export function millrace<const List extends readonly AnyPipeline[]>(options: MillOptions<List>): Mill<PipelinesOf<List>> {
  checkMillOptions(options);
  return new Mill<PipelinesOf<List>>(options);
}

/**
 * The engine. `ingest` takes events in; handlers run in the background.
 *
 * ```ts
 * const mill = await millrace({ store: sqlite('data/millrace.db'), pipelines: [rockets] }).start();
 * await mill.ingest('rockets', message);
 * await mill.state('rockets', id);
 * await mill.stop();
 * ```
 *
 * `Mill` alone is any engine, and takes any name and event. `Mill<{ rockets: typeof rockets }>` is an engine with this pipeline, perhaps
 * among others; `typeof mill` knows them all. An engine is assignable wherever fewer pipelines are required.
 */
export class Mill<P extends Pipelines = Pipelines> {
  readonly pipelines: ReadonlyMap<string, AnyPipeline>;
  /** The limits of this engine. */
  readonly limits: Limits;
  /** The turns under way, for handling failures that no turn waits for. */
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

  /** Opens the store, takes over whatever an earlier run left, and begins work. Throws what the store throws. */
  async start(): Promise<this> {
    await this.#lifecycle.start();
    return this;
  }

  /**
   * Refuses new events at once, handles accepted ones for at most `timeoutMs` (10 s), returns whatever is unfinished by then to the store,
   * and closes it. The next start resumes from there.
   */
  async stop(options: StopOptions = {}): Promise<void> {
    checkStop(options);
    return this.#lifecycle.stop(options.timeoutMs ?? stopTimeoutMs);
  }

  /**
   * Takes an event in. When it returns, the event is on disk (promise 1).
   *
   * @throws MillraceError `MILL_INVALID_EVENT` with the issues, `MILL_PIPELINE_FAILED` if `key` or another function of the pipeline throws
   * (its `cause` is the thrown error, whose stack is logged), or `MILL_BACKLOG_FULL`, `MILL_KEY_FULL`, `MILL_STOPPING`,
   * `MILL_EVENT_TOO_LATE`, `MILL_EVENT_TOO_EARLY`, `MILL_STORE_…`; in every case nothing is stored
   *
   */
  async ingest<Name extends keyof P & string>(pipeline: Name, event: PipelineInput<P[Name]>, options?: IngestOptions): Promise<Ingested> {
    checkIngestOptions('ingest', options);
    const { id, traceparent } = options ?? {};
    return (await this.#parts.door.take(this.#parts.declared.get(pipeline), event, { id, traceparent })).ingested;
  }

  /**
   * Takes many events in one commit, judging each separately. Throws only if it cannot judge at all: `MILL_BACKLOG_FULL` when there is no
   * room for all of them together, `MILL_INVALID_REQUEST` for too many, `MILL_STOPPING`, `MILL_STORE_…`.
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
   * Returns the committed state of a key, undefined if it has none. Reflects every event that was accepted before the call and could be
   * applied within `waitMs` (250).
   */
  async state<Name extends keyof P & string>(
    pipeline: Name,
    key: string,
    freshness: Freshness = {},
  ): Promise<PipelineState<P[Name]> | undefined> {
    checkText('state', 'key', key);
    checkFreshness('state', freshness);
    // A state passes the pipeline's schema when it is stored, or now when it is read.
    const state = await this.#parts.keys.state(this.#parts.declared.get(pipeline), key, freshness);
    return state as PipelineState<P[Name]> | undefined;
  }

  /** Returns the standing of keys, in the order asked. As fresh as `state`. */
  async keys(pipeline: keyof P & string, keys: readonly string[], freshness: Freshness = {}): Promise<readonly KeyStatus[]> {
    checkTexts('keys', 'keys', keys);
    checkFreshness('keys', freshness);
    return this.#parts.keys.statuses(this.#parts.declared.get(pipeline), keys, freshness);
  }

  /**
   * Returns a page of a pipeline's keys, in byte order: all keys that have a state, a number, waiting events, timers or outcomes. As fresh
   * as `state`. A page of all keys, or of those with a prefix, costs the same however many there are; a page of open keys also examines the
   * others in between.
   */
  async listKeys(pipeline: keyof P & string, query: KeyListQuery = {}, freshness: Freshness = {}): Promise<readonly ListedKey[]> {
    checkKeyListQuery(query);
    checkFreshness('listKeys', freshness);
    return this.#parts.keyList.list(this.#parts.declared.get(pipeline), query, freshness);
  }

  /** Returns a page of a key's history, newest first, including operators' actions. */
  async timeline(
    pipeline: keyof P & string,
    key: string,
    asked: { readonly limit: number; readonly place?: TimelinePlace | undefined },
    reading: ReadOptions = {},
  ): Promise<TimelinePage> {
    checkText('timeline', 'key', key);
    return this.#parts.timeline.read(this.#parts.declared.get(pipeline), key, asked, reading);
  }

  /** Returns everything shown about one key, undefined for an unknown key. As fresh as `state`. */
  async keyDetails(pipeline: keyof P & string, key: string, freshness: Freshness = {}): Promise<KeyDetails | undefined> {
    checkText('keyDetails', 'key', key);
    checkFreshness('keyDetails', freshness);
    return this.#parts.keyDetails.read(this.#parts.declared.get(pipeline), key, freshness);
  }

  /** Returns a page of a pipeline's pending timers, soonest first, then by key and name. As fresh as `state`. */
  async timers(pipeline: keyof P & string, query: TimerListQuery = {}, freshness: Freshness = {}): Promise<readonly ListedTimer[]> {
    checkTimerListQuery(query);
    checkFreshness('timers', freshness);
    return this.#parts.timers.list(this.#parts.declared.get(pipeline), query, freshness);
  }

  /**
   * Returns a page of a pipeline's deliveries without an outcome, in the order of endpoints, keys and ids, including those to endpoints it
   * no longer declares. As fresh as `state`.
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
   * Returns whether anything is known about a key: a state, a number, waiting events, timers, deliveries, outcomes or dead letters. As
   * fresh as `state`; also true while events are under way, since their result is not known yet.
   */
  async knows(pipeline: keyof P & string, key: string, freshness: Freshness = {}): Promise<boolean> {
    checkText('knows', 'key', key);
    checkFreshness('knows', freshness);
    return this.#parts.keys.knows(this.#parts.declared.get(pipeline), key, freshness);
  }

  /** Resolves to true once every event accepted before the call is handled or waits for its key, or to false after `timeoutMs`. */
  async settled(pipeline: keyof P & string, timeoutMs = freshnessMs): Promise<boolean> {
    checkTimeout('settled', timeoutMs);
    const partitions = this.#parts.partitions.of(this.#parts.declared.get(pipeline).name);
    return within(this.#parts.engine.clock, timeoutMs, (deadline) =>
      Promise.all(partitions.map((partition) => partition.caughtUp(deadline))),
    );
  }

  /** Resolves to true once nothing is left to do in any pipeline, or to false after `timeoutMs`. */
  async idle(timeoutMs: number): Promise<boolean> {
    checkTimeout('idle', timeoutMs);
    return this.#parts.idle(timeoutMs);
  }

  /**
   * Starts a read-only query over a declared table: `mill.query(rockets).selectAll().where('speed', '>', 100).execute()`. Throws
   * `MILL_READ_TIMEOUT` if it takes longer than `timeoutMs`, by default `limits.readTimeoutMs`, and ends once the signal is aborted.
   */
  query<T extends Table>(table: T, options: ReadOptions = {}): TableQuery<T> {
    checkReading('query', options);
    return this.#parts.queries.over(table, options);
  }

  /**
   * Returns the keys that wait for a number, oldest wait first: which number is missing, what waits behind it, and since when. As fresh as
   * `state`.
   */
  async gaps(pipeline: keyof P & string, query: GapsQuery = {}): Promise<readonly WaitingKey[]> {
    checkGapsQuery(query);
    return this.#parts.gaps.read(this.#parts.declared.get(pipeline), query, freshnessMs);
  }

  /** Returns dead letters in the order of failure. */
  async deadLetters(query: Partial<DeadLetterQuery<keyof P & string>> = {}, options: ReadOptions = {}): Promise<readonly DeadLetter[]> {
    checkDeadLetterQuery(query);
    checkReading('deadLetters', options);
    return this.#parts.deadLetters.list(query, options);
  }

  /**
   * Retries a dead letter's event, before anything else of its key; a parked key opens again. Throws `MILL_NOT_FOUND`, `MILL_CONFLICT`, and
   * `MILL_STORE_LEASED` if the engine that owns it has not carried it out in time.
   */
  async redrive(deadLetterId: string, by?: ByWhom): Promise<void> {
    checkByWhom('redrive', by);
    checkText('redrive', 'deadLetterId', deadLetterId);
    await this.#parts.deadLetters.redrive(deadLetterId, by);
  }

  /**
   * Resumes a parked key: a given-up event is retried, as when its dead letter is redriven; a key parked by hand proceeds with its held
   * events. Throws `MILL_CONFLICT` if the key is not parked, and what `redrive` throws.
   */
  async resumeKey(pipeline: keyof P & string, key: string, by?: ByWhom): Promise<void> {
    checkText('resumeKey', 'key', key);
    checkByWhom('resumeKey', by);
    if (await this.#parts.deadLetters.redriveParking(pipeline, key, by)) return;
    await this.#parts.operations.actOnKey('resume', pipeline, { key, by });
  }

  /**
   * Parks a key: no turn of it begins until it is resumed, even after a restart, and its events are held. A turn under way ends first.
   * Throws `MILL_CONFLICT` if the key is already parked or its next turn waits for room in a pipeline it sends to, and what `redrive`
   * throws.
   */
  async parkKey(pipeline: keyof P & string, key: string, by?: ByWhom): Promise<void> {
    checkText('parkKey', 'key', key);
    checkByWhom('parkKey', by);
    await this.#parts.operations.actOnKey('park', pipeline, { key, by });
  }

  /**
   * Makes a key skip the numbers it waits for, which a dead letter and the audit record. Throws `MILL_CONFLICT` if the key is not open or
   * waits for no number, and what `redrive` throws.
   */
  async skipGap(pipeline: keyof P & string, key: string, by?: ByWhom): Promise<void> {
    checkText('skipGap', 'key', key);
    checkByWhom('skipGap', by);
    await this.#parts.operations.actOnKey('skipGap', pipeline, { key, by });
  }

  /** Returns the number of matching dead letters. */
  async countDeadLetters(filter: DeadLetterFilter<keyof P & string> = {}, options: ReadOptions = {}): Promise<number> {
    checkDeadLetterFilter('countDeadLetters', filter);
    checkReading('countDeadLetters', options);
    return this.#parts.deadLetters.count(filter, options);
  }

  /** Groups dead letters by kind, pipeline and the pattern of their reasons, largest groups first. */
  async deadLetterGroups(query: DeadLetterGroupQuery, options: ReadOptions = {}): Promise<readonly DeadLetterGroup[]> {
    checkDeadLetterGroupQuery(query);
    checkReading('deadLetterGroups', options);
    return this.#parts.deadLetters.groups(query, options);
  }

  /** Redrives the named dead letters, as `redrive` does for one. Those that cannot be redriven stay as they are. */
  async redriveLetters(deadLetterIds: readonly string[], by?: ByWhom): Promise<ResolvedLetters> {
    checkTexts('redriveLetters', 'deadLetterIds', deadLetterIds);
    checkByWhom('redriveLetters', by);
    return this.#parts.deadLetters.resolveNamed(deadLetterIds, 'redrive', by);
  }

  /** Discards the named dead letters, as `discard` does for one. */
  async discardLetters(deadLetterIds: readonly string[], by?: ByWhom): Promise<ResolvedLetters> {
    checkTexts('discardLetters', 'deadLetterIds', deadLetterIds);
    checkByWhom('discardLetters', by);
    return this.#parts.deadLetters.resolveNamed(deadLetterIds, 'discard', by);
  }

  /**
   * Redrives or discards all dead letters that match a filter when the operation begins, each once, even across crashes and in a fleet. It
   * begins after a delay in which `undoOperation` can call it off; `operations` reports its progress.
   */
  async operate(asked: AskedOperation<keyof P & string>, by: ByWhom = {}): Promise<Operation> {
    checkOperation(asked);
    checkByWhom('operate', by);
    return this.#parts.letterOperations.begin(asked, by);
  }

  /** Returns dead-letter operations of the last 90 days, latest first. */
  async operations(query: Partial<OperationQuery> = {}): Promise<readonly Operation[]> {
    checkOperationQuery(query);
    return this.#parts.letterOperations.list(query);
  }

  /** Calls off an operation that has not begun. Throws `MILL_NOT_FOUND`, and `MILL_CONFLICT` once it has begun. */
  async undoOperation(id: string, by: ByWhom = {}): Promise<Operation> {
    checkText('undoOperation', 'id', id);
    checkByWhom('undoOperation', by);
    return this.#parts.letterOperations.undo(id, by);
  }

  /** Interrupts an operation; what it has done stays done. Throws `MILL_NOT_FOUND`, and `MILL_CONFLICT` once it is over. */
  async stopOperation(id: string, by: ByWhom = {}): Promise<Operation> {
    checkText('stopOperation', 'id', id);
    checkByWhom('stopOperation', by);
    return this.#parts.letterOperations.stop(id, by);
  }

  /** Gives up a dead letter's event for good; a parked key proceeds with the events behind it. Throws what `redrive` throws. */
  async discard(deadLetterId: string, by?: ByWhom): Promise<void> {
    checkByWhom('discard', by);
    checkText('discard', 'deadLetterId', deadLetterId);
    await this.#parts.deadLetters.discard(deadLetterId, by);
  }

  /**
   * Pauses a pipeline: no turn starts until it is resumed, even after a restart. Turns under way end; requested deliveries are made; events
   * are accepted until the backlog is full. The pipeline's schedule is unaffected.
   */
  async pause(pipeline: keyof P & string, by?: ByWhom): Promise<void> {
    checkByWhom('pause', by);
    await this.#parts.operations.setPaused(pipeline, true, by);
  }

  /** Resumes a paused pipeline. */
  async resume(pipeline: keyof P & string, by?: ByWhom): Promise<void> {
    checkByWhom('resume', by);
    await this.#parts.operations.setPaused(pipeline, false, by);
  }

  /**
   * Discards the accepted but unhandled events of a paused pipeline, or of one key, without running a turn. A parked event's dead letter is
   * discarded too; states, timers, deliveries and outcomes stay. Returns the number of events. After a failure some may be gone: call it
   * again.
   *
   * @throws MillraceError `MILL_CONFLICT` if the pipeline is not paused
   *
   */
  async discardEvents(pipeline: keyof P & string, options: DiscardOptions = {}): Promise<number> {
    checkDiscard('discardEvents', options);
    return this.#parts.operations.discardEvents(pipeline, options);
  }

  /**
   * Discards all dead letters that a pipeline, or one of its keys, has at the time of the call, as `discard` does for one. Returns how many
   * there were.
   */
  async discardDeadLetters(pipeline: keyof P & string, options: DiscardOptions = {}): Promise<number> {
    checkDiscard('discardDeadLetters', options);
    return this.#parts.deadLetters.discardAll(pipeline, options);
  }

  /**
   * Returns stored work whose declaration is gone: of pipelines, endpoints, timers, states or schedules. As of the last look, soon after
   * the start.
   */
  leftovers(): readonly Leftover[] {
    return this.#parts.leftovers.found;
  }

  /**
   * Withdraws the deliveries waiting for an endpoint that is no longer declared: nothing is called and no key is notified. Returns how
   * many. Throws `MILL_CONFLICT` if the endpoint is declared, `MILL_NOT_FOUND` if nothing waits for it.
   */
  async withdraw(pipeline: keyof P & string, endpoint: string, by?: ByWhom): Promise<number> {
    checkByWhom('withdraw', by);
    checkText('withdraw', 'endpoint', endpoint);
    return this.#parts.operations.withdraw(pipeline, endpoint, by);
  }

  /**
   * Makes a waiting delivery due now, whatever it waits for. The limits of its endpoint still apply, and an ordered delivery stays behind
   * earlier ones. Throws `MILL_NOT_FOUND` if none of that name waits, `MILL_CONFLICT` if its call is under way or its endpoint is no longer
   * declared.
   */
  async sendDelivery(pipeline: keyof P & string, delivery: DeliveryName, by?: ByWhom): Promise<void> {
    checkDeliveryName('sendDelivery', delivery);
    checkByWhom('sendDelivery', by);
    await this.#parts.deliveries.sendNow(pipeline, delivery, by);
  }

  /**
   * Withdraws one waiting delivery: it is never called, and its key is notified in order that it is `given up`, with the reason. It leaves
   * no dead letter. Throws `MILL_NOT_FOUND` if none of that name waits, `MILL_CONFLICT` if its call is under way.
   */
  async withdrawDelivery(pipeline: keyof P & string, delivery: DeliveryName, by?: ByWhom): Promise<void> {
    checkDeliveryName('withdrawDelivery', delivery);
    checkByWhom('withdrawDelivery', by);
    await this.#parts.deliveries.withdraw(pipeline, delivery, by);
  }

  /**
   * Returns the controls of a pipeline's schedule, used on behalf of the person named in the audit. Throws `MILL_NOT_FOUND` if it has none.
   */
  schedule(pipeline: keyof P & string, by?: ByWhom): ScheduleControl {
    checkByWhom('schedule', by);
    return this.#parts.schedules.control(this.#parts.declared.get(pipeline).name, by);
  }

  /**
   * Returns operators' actions, latest first, for 90 days: those made over HTTP, and by calls that name somebody. A redrive, discard, pause
   * or resume is recorded in its own transaction; anything else takes several transactions, and is recorded before the first.
   */
  async audit(query: Partial<AuditQuery> = {}, options: ReadOptions = {}): Promise<readonly AuditEntry[]> {
    checkAuditQuery(query);
    checkReading('audit', options);
    return this.#parts.audit.list(query, options);
  }

  /** Returns one snapshot of every pipeline's counts. */
  counts(): { readonly [Name in keyof P]: PipelineCounts } {
    const counts = Array.from(this.pipelines.values(), (pipeline) => [pipeline.name, this.#parts.partitions.counts(pipeline)]);
    // These are the pipelines named in the type.
    return Object.fromEntries(counts) as { readonly [Name in keyof P]: PipelineCounts };
  }

  /** Returns why a pipeline makes no progress; undefined if it does, or has nothing to do. */
  trouble(pipeline: keyof P & string): string | undefined {
    return this.#parts.partitions.troubleOf(this.#parts.declared.get(pipeline).name);
  }

  /** Returns the endpoints whose deliveries wait for more than their turn: the transport makes no calls, or addresses do not answer. */
  endpointWaits(): readonly EndpointWaits[] {
    return this.#parts.partitions.endpointWaits();
  }

  /**
   * Returns pipelines that feed themselves through sends and have reached the limit `sends`: their turns wait for room that only they could
   * make. Empty while all is well.
   */
  loops(): readonly SendLoop[] {
    return this.#parts.engine.room.loops();
  }

  /** Returns how far this engine has read the topic of a pipeline; undefined for a pipeline without one. */
  source(pipeline: keyof P & string): SourceStatus | undefined {
    return this.#parts.inlets.status(pipeline);
  }

  /**
   * Shows every commit of this engine to the watcher from now on; the returned function stops it. The watcher is called in between turns,
   * so it must be brief.
   */
  watch(watcher: (commit: SeenCommit) => void): () => void {
    return this.#parts.engine.commitWatch.watch(watcher);
  }

  /** Returns the engines working on the database, and how many partitions each has. Throws what the store throws. */
  async fleet(): Promise<FleetStatus> {
    this.#parts.state.checkWorking();
    return this.#parts.fleet.status();
  }

  /** Returns the store's own statistics. */
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
