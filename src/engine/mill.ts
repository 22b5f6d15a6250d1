import { describeFound } from '../describe-found.ts';
import { MillraceError } from '../errors.ts';
import { faultFields, faultOf } from '../fault.ts';
import { markCutShort } from '../pipeline/cut-short.ts';
import { isPipeline } from '../pipeline/is-pipeline.ts';
import type { AnyPipeline, PipelineInput, PipelineState, Pipelines, PipelinesOf } from '../pipeline/pipeline.ts';
import type { Table } from '../pipeline/table.ts';
import type { TableQuery } from '../pipeline/table-query.ts';
import { isFullList, sizeOfLetter, totalOf } from '../store/list-size.ts';
import type { DeadLetter, DeadLetterQuery, Store, StoreStats } from '../store/store.ts';
import {
  checkBatch,
  checkDeadLetterQuery,
  checkDiscard,
  checkFreshness,
  checkGapsQuery,
  checkIngestOptions,
  checkReading,
  checkStop,
  checkText,
  checkTexts,
  checkTimeout,
} from './check-arguments.ts';
import { checkMillOptions } from './check-mill-options.ts';
import { type Clock, systemClock } from './clock.ts';
import type { PipelineCounts } from './counts.ts';
import { within } from './deadline.ts';
import { byName, checkNames, tablesOf } from './declared-together.ts';
import { discardLetters } from './discard-letters.ts';
import { Door, type Ingested, type Judged } from './door.ts';
import { GapReader } from './gap-reader.ts';
import type { Identification, IngestOptions } from './identify.ts';
import { Ids } from './ids.ts';
import { KeyReader } from './key-reader.ts';
import type { Leftover } from './leftovers/leftover.ts';
import { Leftovers } from './leftovers/leftovers.ts';
import { type Limits, limitsWith } from './limits.ts';
import { type Log, silentLog } from './log.ts';
import { Memory } from './memory.ts';
import type { DiscardOptions, Freshness, GapsQuery, Health, KeyStatus, MillOptions, StopOptions, WaitingKey } from './mill-options.ts';
import type { EndpointWaits } from './outbox/endpoint-gate.ts';
import { Partitions } from './partitions.ts';
import { Queries } from './query.ts';
import { type ReadOptions, Reads } from './reads.ts';
import { RetentionSweep } from './retention.ts';
import { runAccess } from './schedules/run-access.ts';
import { type ScheduleControl, Schedules } from './schedules/schedules.ts';
import type { SendLoop } from './send-loop.ts';
import { SendRoom } from './send-room.ts';
import { declaredState } from './state.ts';
import { steadyLog } from './steady-log.ts';
import { steadyTracing } from './steady-tracing.ts';
import { HandlerThreads } from './threads/handler-threads.ts';
import { Transports } from './transports.ts';
import { type Turns, TurnsUnderWay } from './turns-under-way.ts';

const freshnessMs = 250;
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
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #queries: Queries;
  readonly #reads: Reads;
  readonly #tables: readonly Table[];
  /** The pipelines and those that are the engine's own. */
  readonly #declared: ReadonlyMap<string, AnyPipeline>;
  readonly #schedules: Schedules;
  readonly #transports: Transports;
  readonly #identification: Identification;
  readonly #room: SendRoom;
  readonly #partitions: Partitions;
  readonly #door: Door;
  readonly #keys: KeyReader;
  readonly #gapReader: GapReader;
  readonly #retention: RetentionSweep;
  readonly #leftovers: Leftovers;
  readonly #threads: HandlerThreads;
  /** Pipelines all of whose stored states of the present version fit their schema. */
  readonly #provenStates = new Set<string>();
  #endListening: (() => void) | undefined;
  readonly #ended = Promise.withResolvers<void>();
  #state: 'new' | 'starting' | 'working' | 'stopping' | 'failed' = 'new';
  /** Resolves when a start that is under way has ended, whatever came of it. */
  #starting: Promise<unknown> = Promise.resolve();
  #failure: MillraceError | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: MillOptions) {
    const { store, clock = systemClock, random = Math.random, limits = {} } = options;
    const log = steadyLog(options.log ?? silentLog);
    const tracing = options.tracing && steadyTracing(options.tracing, log);
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#threads = new HandlerThreads(clock, log);
    const pipelines = options.pipelines.map((pipeline) => this.#threads.adopt(pipeline));
    checkNames(pipelines);
    this.pipelines = byName(pipelines);
    this.#tables = tablesOf(pipelines);
    this.#transports = new Transports(pipelines, clock, log);
    this.#schedules = this.#makeSchedules(pipelines);
    const all = this.#schedules.pipeline === undefined ? pipelines : [...pipelines, this.#schedules.pipeline];
    this.#declared = byName(all);
    const ids = new Ids(clock, random);
    const newId = () => ids.next();
    this.limits = limitsWith(limits);
    this.#reads = new Reads({ clock, limits: this.limits });
    this.#queries = new Queries({ store, reads: this.#reads, log }, this.#tables);
    const memory = new Memory(this.limits.memoryBytes);
    this.#identification = { store, clock, newId, limits: this.limits, memory };
    this.#room = new SendRoom({ clock, log, limits: this.limits, depth: (pipeline) => this.#partitions.counters(pipeline).depth });
    this.#door = new Door({
      ...this.#identification,
      store,
      log,
      tracing,
      partition: (id) => this.#partitions.at(id),
      counters: (pipeline) => this.#partitions.counters(pipeline),
      backlog: (pipeline) => this.#partitions.backlog(pipeline),
      refusal: (pipeline) => this.#partitions.refusal(pipeline),
      unsettled: (pipeline) => this.#partitions.unsettled(pipeline),
      checkOpen: () => this.#checkWorking(),
    });
    const turns = new TurnsUnderWay();
    this.turns = turns;
    const means = {
      ...this.#identification,
      store,
      random,
      log,
      tracing,
      pipelines: this.pipelines,
      room: this.#room,
      provenStates: this.#provenStates,
      turns,
      sent: this.#door.hand.bind(this.#door),
      fatal: (error: MillraceError) => this.#fail(error),
    };
    this.#partitions = new Partitions(means, all);
    this.#keys = new KeyReader({
      store,
      clock,
      reads: this.#reads,
      partitions: this.#partitions,
      provenStates: this.#provenStates,
      leftovers: () => this.leftovers(),
    });
    this.#gapReader = new GapReader({ store, clock, partitions: this.#partitions });
    this.#retention = new RetentionSweep(
      { store, clock, failed: (error) => this.#retentionFailed(error) },
      this.#partitions.all.map((partition) => ({ partition, pipeline: this.#declared.get(partition.id.pipeline) as AnyPipeline })),
    );
    this.#leftovers = new Leftovers({ store, clock, log, declared: this.#declared });
    this.stopped = this.#ended.promise;
    // Who does not look at `stopped` learns of the failure from every call.
    this.stopped.catch(() => {});
  }

  /** Opens the store, takes what a former run left, and sets to work. Throws what the store throws. */
  async start(): Promise<this> {
    if (this.#state !== 'new') throw new MillraceError('MILL_CONFLICT', 'start: expected a new engine, found one that was started before');
    this.#state = 'starting';
    const started = this.#start();
    this.#starting = started.catch(() => undefined);
    await started;
    return this;
  }

  /**
   * Refuses new events at once, handles what is accepted for at most `timeoutMs` (10 s), hands back what is not done
   * by then, and closes the store. A start goes on from there.
   */
  async stop(options: StopOptions = {}): Promise<void> {
    checkStop(options);
    this.#stopping ??= this.#stop(options.timeoutMs ?? stopTimeoutMs);
    return this.#stopping;
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
    return (await this.#door.take(this.#pipeline(pipeline), event, { id, traceparent })).ingested;
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
    return this.#door.takeBatch(this.#pipeline(pipeline), events, options);
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
    const state = await this.#keys.state(this.#pipeline(pipeline), key, { ...freshness, waitMs: freshness.waitMs ?? freshnessMs });
    return state as PipelineState<P[Name]> | undefined;
  }

  /** How keys stand, in the order asked. As fresh as `state`. */
  async keys(pipeline: keyof P & string, keys: readonly string[], freshness: Freshness = {}): Promise<readonly KeyStatus[]> {
    checkTexts('keys', 'keys', keys);
    checkFreshness('keys', freshness);
    return this.#keys.statuses(this.#pipeline(pipeline), keys, { ...freshness, waitMs: freshness.waitMs ?? freshnessMs });
  }

  /**
   * Returns whether anything is known of a key: a state, a number, events that wait, timers, deliveries or dead letters. As fresh as
   * `state`; true as well while events are under way, since nobody can say yet what they leave.
   */
  async knows(pipeline: keyof P & string, key: string, freshness: Freshness = {}): Promise<boolean> {
    checkText('knows', 'key', key);
    checkFreshness('knows', freshness);
    return this.#keys.knows(this.#pipeline(pipeline), key, { ...freshness, waitMs: freshness.waitMs ?? freshnessMs });
  }

  /** Resolves true once every event accepted before the call is handled or waits for its key, false after `timeoutMs`. */
  async settled(pipeline: keyof P & string, timeoutMs = freshnessMs): Promise<boolean> {
    checkTimeout('settled', timeoutMs);
    const partitions = this.#partitions.of(this.#pipeline(pipeline).name);
    return within(this.#clock, timeoutMs, (deadline) => Promise.all(partitions.map((partition) => partition.caughtUp(deadline))));
  }

  /** Resolves true once there is nothing left to do now in any pipeline, false after `timeoutMs`. */
  async idle(timeoutMs: number): Promise<boolean> {
    checkTimeout('idle', timeoutMs);
    return within(this.#clock, timeoutMs, async (deadline) => {
      await this.#door.idle(deadline);
      await this.#partitions.idle(this.#partitions.all, deadline);
    });
  }

  /**
   * A read-only query over a declared table: `mill.query(rockets).selectAll().where('speed', '>', 100).execute()`. It throws
   * `MILL_READ_TIMEOUT` when it takes longer than `timeoutMs`, by default `limits.readTimeoutMs`, and ends once the signal is aborted.
   */
  query<T extends Table>(table: T, options: ReadOptions = {}): TableQuery<T> {
    checkReading('query', options);
    return this.#queries.over(table, options);
  }

  /**
   * The keys that wait for a number, in the order of their age: which number is missing, what waits behind it, and since when. As fresh as
   * `state`.
   */
  async gaps(pipeline: keyof P & string, query: GapsQuery = {}): Promise<readonly WaitingKey[]> {
    checkGapsQuery(query);
    return this.#gapReader.read(this.#pipeline(pipeline), query, freshnessMs);
  }

  /** What was given up, in the order in which it failed. */
  async deadLetters(query: Partial<DeadLetterQuery<keyof P & string>> = {}, options: ReadOptions = {}): Promise<readonly DeadLetter[]> {
    checkDeadLetterQuery(query);
    checkReading('deadLetters', options);
    const { charactersMax, ...reading } = options;
    const asked = { ...query, limit: query.limit ?? 100 };
    const letters = await this.#reads.run(
      reading,
      (signal) => this.#store.deadLetters(asked, { signal, charactersMax }),
      (found) => totalOf(found, sizeOfLetter),
    );
    const isCut = charactersMax !== undefined && isFullList(letters, sizeOfLetter, { sizeMax: charactersMax });
    if (isCut) markCutShort(letters);
    return letters;
  }

  /** Tries a dead letter's event again, before anything else of its key; a parked key is open again. Throws `MILL_NOT_FOUND`, `MILL_CONFLICT`. */
  async redrive(deadLetterId: string): Promise<void> {
    checkText('redrive', 'deadLetterId', deadLetterId);
    const letter = await this.#deadLetter(deadLetterId);
    await this.#partitions.at(letter.partition).redrive(letter);
  }

  /** Gives a dead letter's event up for good; a parked key goes on with the events behind it. Throws `MILL_NOT_FOUND`, `MILL_CONFLICT`. */
  async discard(deadLetterId: string): Promise<void> {
    checkText('discard', 'deadLetterId', deadLetterId);
    const letter = await this.#deadLetter(deadLetterId);
    await this.#partitions.at(letter.partition).discard(letter);
  }

  /**
   * Starts no further turn of a pipeline before it is resumed, also after a restart. Turns under way end; deliveries that were asked for are
   * made; events are taken in until the backlog is full. It has nothing to do with the schedule of the pipeline, which goes on.
   */
  async pause(pipeline: keyof P & string): Promise<void> {
    await this.#setPaused(pipeline, true);
  }

  /** Lets a paused pipeline go on. */
  async resume(pipeline: keyof P & string): Promise<void> {
    await this.#setPaused(pipeline, false);
  }

  /**
   * Discards the events of a paused pipeline that are accepted and not handled, or those of one key: they never have a turn. A parked event
   * goes with its dead letter; states, timers and deliveries stay. Returns how many events there were. After a failure some may be gone:
   * call it again.
   *
   * @throws MillraceError `MILL_CONFLICT` when the pipeline is not paused
   */
  async discardEvents(pipeline: keyof P & string, options: DiscardOptions = {}): Promise<number> {
    checkDiscard('discardEvents', options);
    this.#checkWorking();
    const { name } = this.#pipeline(pipeline);
    if (!this.#partitions.isPaused(name))
      throw new MillraceError('MILL_CONFLICT', `pipeline ${name}: expected it to be paused before what waits is discarded; pause it first`);
    const { key } = options;
    const partitions = key === undefined ? this.#partitions.of(name) : [this.#partitions.ofKey(name, key)];
    const counts = await Promise.all(partitions.map((partition) => partition.discardWaiting(key)));
    const events = counts.reduce((total, count) => total + count, 0);
    this.#log.info({ pipeline: name, ...(key !== undefined && { key }), events }, 'discarded events that waited');
    return events;
  }

  /**
   * Discards all dead letters of a pipeline that there are at the call, or those of one key, as `discard` does with one. Returns how many
   * there were.
   */
  async discardDeadLetters(pipeline: keyof P & string, options: DiscardOptions = {}): Promise<number> {
    checkDiscard('discardDeadLetters', options);
    this.#checkWorking();
    const { name } = this.#pipeline(pipeline);
    const { key } = options;
    const count = this.#partitions.counters(name).deadLetters;
    const means = { query: (query: DeadLetterQuery) => this.#store.deadLetters(query), discard: (id: string) => this.discard(id) };
    const deadLetters = await discardLetters(means, { pipeline: name, key, count });
    this.#log.info({ pipeline: name, ...(key !== undefined && { key }), deadLetters }, 'discarded dead letters');
    return deadLetters;
  }

  /** Stored work whose declaration is gone: of pipelines, endpoints, timers, states or schedules that are no longer declared. As of the last look, soon after the start. */
  leftovers(): readonly Leftover[] {
    return this.#leftovers.found;
  }

  /**
   * Withdraws the deliveries that wait for an endpoint that is no longer declared: nobody is called and no key is told. Returns how
   * many. Throws `MILL_CONFLICT` when the endpoint is declared, `MILL_NOT_FOUND` when nothing waits for it.
   */
  async withdraw(pipeline: keyof P & string, endpoint: string): Promise<number> {
    checkText('withdraw', 'endpoint', endpoint);
    this.#checkWorking();
    const { name, deliver } = this.#pipeline(pipeline);
    if (Object.hasOwn(deliver, endpoint)) {
      throw new MillraceError(
        'MILL_CONFLICT',
        `expected an endpoint that pipeline ${name} no longer declares, found ${endpoint}, which it declares`,
      );
    }
    const counts = await Promise.all(this.#partitions.of(name).map((partition) => partition.withdraw(endpoint)));
    const withdrawn = counts.reduce((total, count) => total + count, 0);
    if (withdrawn === 0) {
      throw new MillraceError('MILL_NOT_FOUND', `expected an endpoint that deliveries of pipeline ${name} wait for, found ${endpoint}`);
    }
    this.#log.info({ pipeline: name, endpoint, deliveries: withdrawn }, 'withdrew deliveries to an endpoint that is no longer declared');
    await this.#leftovers.look();
    return withdrawn;
  }

  /** The schedule of a pipeline. Throws `MILL_NOT_FOUND` when it has none. */
  schedule(pipeline: keyof P & string): ScheduleControl {
    return this.#schedules.control(this.#pipeline(pipeline).name);
  }

  /** One snapshot of every pipeline's counts. */
  counts(): { readonly [Name in keyof P]: PipelineCounts } {
    const counts = Array.from(this.pipelines.values(), (pipeline) => [pipeline.name, this.#partitions.counts(pipeline)]);
    // These are the pipelines that the type has the names of.
    return Object.fromEntries(counts) as { readonly [Name in keyof P]: PipelineCounts };
  }

  /** The endpoints of which deliveries wait longer than for their turn: their transport makes no calls, or addresses give no answers. */
  endpointWaits(): readonly EndpointWaits[] {
    return this.#partitions.endpointWaits();
  }

  /**
   * Pipelines that feed themselves by sends and have come to the limit `sends`: their turns wait for room that only they could make.
   * Empty while all is well.
   */
  loops(): readonly SendLoop[] {
    return this.#room.loops();
  }

  /** What the store says of itself. */
  storeStats(): Promise<StoreStats> {
    return this.#store.stats();
  }

  /** Healthy means: makes progress, or has nothing to do (promise 9). */
  health(): Health {
    if (this.#failure !== undefined) return { status: 'unavailable', reason: this.#failure.message };
    if (this.#state !== 'working') return { status: 'unavailable', reason: this.#state === 'stopping' ? 'stopping' : 'not started' };
    const reason = this.#door.refusal ?? this.#partitions.trouble();
    if (reason !== undefined) return { status: 'unavailable', reason };
    const warnings = this.#partitions.warnings();
    return warnings.length > 0 ? { status: 'ok', warnings } : { status: 'ok' };
  }

  async #start(): Promise<void> {
    try {
      await this.#openStore();
      this.#endListening = this.#store.listen(({ pipeline, slice }) => this.#partitions.of(pipeline)[slice]?.look());
      await this.#threads.start();
      await this.#transports.open();
      const started = await Promise.allSettled(this.#partitions.all.map((partition) => partition.start()));
      for (const start of started) if (start.status === 'rejected') throw start.reason;
      if (this.#stopping !== undefined) throw new MillraceError('MILL_STOPPING', 'the engine is stopping');
      this.#state = 'working';
      await this.#schedules.start();
    } catch (error) {
      this.#endListening?.();
      await Promise.all(this.#partitions.all.map((partition) => partition.stop()));
      await this.#threads.close();
      await this.#transports.close();
      await this.#store.close();
      // What a stop broke off failed for no reason of its own.
      if (this.#stopping !== undefined)
        throw new MillraceError('MILL_STOPPING', 'the engine was stopped before it had started', { cause: error });
      this.#state = 'new';
      throw error;
    }
    this.#retention.start();
    void this.#leftovers.start();
  }

  async #openStore(): Promise<void> {
    const pipelines = Array.from(this.#declared.values(), (pipeline) => ({
      ...{ name: pipeline.name, numbered: pipeline.order !== undefined },
      ...declaredState(pipeline),
    }));
    const { reshaped, paused } = await this.#store.open({ pipelines, tables: this.#tables }, this.#log);
    for (const { name } of pipelines) this.#partitions.setPaused(name, paused.includes(name));
    if (paused.length > 0)
      this.#log.warn({ pipelines: paused }, 'pipelines are paused since before the start, until somebody resumes them');
    this.#provenStates.clear();
    for (const { name, state } of pipelines) {
      if (state === undefined) continue;
      if (!reshaped.includes(name)) this.#provenStates.add(name);
      else {
        const message = 'states may have been stored under another shape of the schema: each is checked when it is read';
        this.#log.warn({ pipeline: name, version: state.version }, message);
      }
    }
  }

  async #setPaused(pipeline: keyof P & string, isPaused: boolean): Promise<void> {
    this.#checkWorking();
    const { name } = this.#pipeline(pipeline);
    await this.#store.setPaused(name, isPaused);
    this.#partitions.setPaused(name, isPaused);
    this.#log.info({ pipeline: name }, isPaused ? 'paused' : 'resumed');
  }

  async #stop(timeoutMs: number): Promise<void> {
    const wasWorking = this.#state === 'working';
    if (this.#state !== 'failed') this.#state = 'stopping';
    try {
      // A module that loads for long, or a transport that opens for long, would keep the start from ending.
      if (!wasWorking) {
        this.#transports.abandon(new MillraceError('MILL_STOPPING', 'the engine is stopping'));
        await this.#threads.close();
      }
      await this.#starting;
      for (const partition of this.#partitions.all) partition.rest();
      if (wasWorking) await this.idle(timeoutMs);
      await this.#retention.stop();
      this.#schedules.stop();
      this.#leftovers.close();
      this.#endListening?.();
      if (wasWorking || this.#failure !== undefined) await Promise.all(this.#partitions.all.map((partition) => partition.stop()));
      await this.#threads.close();
      await this.#transports.close();
      await this.#store.close();
      this.#ended.resolve();
    } catch (error) {
      this.#ended.reject(error);
      throw error;
    }
  }

  #makeSchedules(pipelines: readonly AnyPipeline[]): Schedules {
    const own = () => this.#schedules.pipeline as AnyPipeline;
    return new Schedules(
      {
        clock: this.#clock,
        log: this.#log,
        isStopping: () => this.#state === 'stopping',
        idle: (pipeline, deadline) => this.#partitions.idle(this.#partitions.of(pipeline), deadline),
        command: async (command) => void (await this.#door.take(own(), command, {})),
        finished: (schedule) => this.#partitions.ofKey(own().name, schedule).finished(schedule),
        state: (schedule, { isWaiting }) => this.#keys.state(own(), schedule, { waitMs: isWaiting ? freshnessMs : 0 }),
        runMeans: (pipeline) =>
          runAccess(
            {
              store: this.#store,
              identification: this.#identification,
              door: this.#door,
              partitions: this.#partitions,
              query: (table) => this.#queries.own(table),
            },
            pipeline,
          ),
      },
      pipelines,
    );
  }

  /** An idle engine learns by it alone that its store is gone. */
  #retentionFailed(error: unknown): void {
    if (error instanceof MillraceError && error.code === 'MILL_STORE_MOVED') this.#fail(error);
    else this.#log.warn(faultFields(faultOf(error)), 'retention failed');
  }

  #fail(error: MillraceError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#state = 'failed';
    // Who started the engine learns of it from `stopped`, and says so once.
    this.#log.debug({ code: error.code, reason: error.message }, 'the engine has failed');
    this.#ended.reject(error);
  }

  #checkWorking(): void {
    if (this.#state === 'working') return;
    if (this.#failure !== undefined) throw new MillraceError(this.#failure.code, this.#failure.message, { cause: this.#failure });
    if (this.#state === 'stopping') throw new MillraceError('MILL_STOPPING', 'the engine is stopping', { retryAfterMs: 1000 });
    throw new MillraceError('MILL_STOPPING', 'the engine is not started');
  }

  async #deadLetter(id: string): Promise<DeadLetter> {
    this.#checkWorking();
    const [letter] = await this.deadLetters({ id, limit: 1 });
    if (letter === undefined) throw new MillraceError('MILL_NOT_FOUND', `expected the id of a dead letter, found ${id}`);
    const { pipeline } = letter.partition;
    if (this.#declared.has(pipeline)) return letter;
    throw new MillraceError(
      'MILL_CONFLICT',
      `dead letter ${id}: expected one of a pipeline that is declared, found one of ${pipeline}. ` +
        `Declare ${pipeline} again, or delete all that is stored of it with: millrace store delete ${pipeline}`,
    );
  }

  #pipeline(name: string): AnyPipeline {
    const pipeline = this.pipelines.get(name);
    if (pipeline !== undefined) return pipeline;
    const known = Array.from(this.pipelines.keys()).join(', ');
    if (typeof name === 'string') throw new MillraceError('MILL_NOT_FOUND', `expected a pipeline (${known}), found ${name}`);
    throw new MillraceError('MILL_INVALID_REQUEST', `expected the name of a pipeline (${known}), found ${pipelineFound(name)}`);
  }
}

function pipelineFound(value: unknown): string {
  return isPipeline(value) ? `the pipeline ${value.name} itself` : describeFound(value);
}
