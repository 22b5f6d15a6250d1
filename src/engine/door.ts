import { MillraceError, messageOf } from '../errors.ts';
import { codeOf, faultFields, faultOf } from '../fault.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { Appended, NewEvent, PartitionId, Store } from '../store/store.ts';
import type { Admission } from './admissions.ts';
import { Appender } from './appender.ts';
import type { Counters } from './counts.ts';
import type { Deadline } from './deadline.ts';
import type { Outgoing } from './draft.ts';
import type { FedEvent } from './feed.ts';
import { bytesOfInput, type Identification, type IngestOptions, identify, type Provenance } from './identify.ts';
import type { Log } from './log.ts';
import { Holding } from './memory.ts';
import type { Partition } from './partition.ts';
import { SchemaTimeouts } from './schema-timeouts.ts';
import type { SteadyTracing } from './steady-tracing.ts';
import { traceparentOf } from './tracing.ts';

/** What became of an event at the door (promise 10). Either way it is on disk. */
export interface Ingested {
  readonly status: 'accepted' | 'duplicate';
  readonly id: string;
}

/** The verdict on one event of a batch. */
export type Judged = Ingested | { readonly status: 'rejected'; readonly error: MillraceError };

/** A call of `ingest` or `ingestBatch`, measured and traced. */
interface Call {
  /** The caller's, as part of the call's own trace. */
  readonly options: Provenance;
  /** @param acknowledged how many events were accepted or found to be duplicates */
  end(acknowledged: number): void;
  fail(error: unknown): void;
}

/** For how long a refused append speaks against the store, in milliseconds. */
const refusalMs = 10_000;
/** How often a store that another program keeps locked is tried again, in milliseconds. */
const probeMs = 50;

/** What the door works with; the engine provides it. */
export interface DoorMeans extends Identification {
  readonly store: Store;
  readonly log: Log;
  readonly tracing: SteadyTracing | undefined;
  partition(id: PartitionId): Partition;
  counters(pipeline: string): Counters;
  /** Events of a pipeline that take up its backlog, those on their way to the log among them. */
  backlog(pipeline: string): number;
  /** Why a pipeline takes nothing in, since the store has no room; undefined when it does. */
  refusal(pipeline: string): MillraceError | undefined;
  /** Events of a pipeline that are not settled, whatever they wait for, those on their way to the log among them. */
  unsettled(pipeline: string): number;
  /** Throws while the engine takes nothing in. */
  checkOpen(): void;
}

/** Ingest: validate, identify, refuse what is too much (promise 7), append, acknowledge, hand over. */
export class Door {
  readonly #means: DoorMeans;
  readonly #appender: Appender;
  readonly #timeouts: SchemaTimeouts;
  /** Events of a pipeline that were let in and are being validated: they will take up room. */
  readonly #entering = new Map<string, number>();
  /** When the store last refused an append, in elapsed time, and why; forgotten with the next success. */
  #refused: { readonly at: number; readonly reason: string } | undefined;
  /** Whether the store is being tried, because another program keeps it locked. */
  #isProbing = false;

  constructor(means: DoorMeans) {
    this.#means = means;
    this.#timeouts = new SchemaTimeouts(means);
    this.#appender = new Appender(means.store, {
      appended: (events, appended) => this.#appended(events, appended),
      failed: (events, error) => this.#failed(events, error),
    });
  }

  /** Takes one event, and returns its key too. Throws the reason of a rejection, and logs it where the pipeline is at fault. */
  async take(pipeline: AnyPipeline, event: unknown, options: Provenance): Promise<{ readonly ingested: Ingested; readonly key: string }> {
    const call = this.#begin(pipeline, 1, options);
    try {
      const identified = this.#identify(pipeline, event, call.options);
      const outgoing = identified instanceof Promise ? await identified : identified;
      if (!this.#enter(pipeline, outgoing)) await this.#enterCold(pipeline, outgoing, [outgoing]);
      const [appended] = await this.#appender.append([outgoing]);
      const judged = judge(outgoing, appended);
      if (judged.status === 'rejected') throw judged.error;
      call.end(1);
      return { ingested: judged, key: outgoing.stored.key };
    } catch (error) {
      if (codeOf(error) === 'MILL_PIPELINE_FAILED' && options.isOfRun !== true) this.#logFailed(pipeline, [error]);
      call.fail(error);
      throw error;
    }
  }

  /** Many events, each judged by itself, in one append. All are refused when they do not fit into the backlog together. */
  async takeBatch(pipeline: AnyPipeline, events: readonly unknown[], options: IngestOptions): Promise<readonly Judged[]> {
    const { batch } = this.#means.limits;
    if (events.length > batch)
      throw new MillraceError('MILL_INVALID_REQUEST', `batch: expected at most ${batch} events, found ${events.length}`);
    if (events.length === 0) return [];
    const call = this.#begin(pipeline, events.length, options);
    try {
      const judged = await this.#takeEach(pipeline, events, call.options);
      call.end(judged.filter(({ status }) => status !== 'rejected').length);
      return judged;
    } catch (error) {
      call.fail(error);
      throw error;
    }
  }

  /** Why the store, or a schema, takes nothing in at present; undefined when it does, or nobody has tried for a while. */
  get refusal(): string | undefined {
    const refused = this.#refused;
    if (refused !== undefined && this.#means.clock.elapsedMs() - refused.at < refusalMs) return refused.reason;
    return this.#timeouts.trouble;
  }

  /** Resolves when nothing is on its way to the log, or when the caller's time is over. */
  idle(deadline: Deadline): Promise<void> {
    return this.#appender.idle(deadline);
  }

  /** Events are in the log, sent by a caller or a turn: counts them and hands them to their partitions. */
  hand(events: readonly Outgoing[], appended: readonly Appended[]): void {
    const offers = new Map<Partition, FedEvent[]>();
    events.forEach(({ stored, event, bytes }, at) => {
      const verdict = appended[at];
      const counters = this.#means.counters(stored.partition.pipeline);
      if (verdict?.status === 'accepted') {
        const { key, id, number, acceptedAt, body, traceparent, origin } = stored;
        const fed = { position: verdict.position, key, id, number, acceptedAt, body, traceparent, origin, event, bytes };
        const partition = this.#means.partition(stored.partition);
        const offered = offers.get(partition);
        if (offered === undefined) offers.set(partition, [fed]);
        else offered.push(fed);
      } else if (verdict?.status === 'duplicate') counters.duplicates += 1;
      else counters.rejected += 1;
    });
    for (const [partition, offered] of offers) partition.offer(offered);
  }

  /** Without an asynchronous schema and cold keys it waits for nothing before the append: events come in in the order of the calls. */
  async #takeEach(pipeline: AnyPipeline, events: readonly unknown[], options: IngestOptions): Promise<readonly Judged[]> {
    const refused = new Refused();
    const identified: { readonly at: number; readonly outgoing: Outgoing }[] = [];
    const waiting = new Holding(this.#means.memory.arriving);
    try {
      for (const [at, event] of events.entries()) {
        const found = this.#identifyOne(pipeline, event, options, (error) => refused.note(at, error), refused.late);
        const outgoing = found instanceof Promise ? await this.#waitFor(found, events, waiting) : found;
        if (outgoing !== undefined) identified.push({ at, outgoing });
      }
    } finally {
      waiting.close();
    }
    const admitted: Outgoing[] = [];
    for (const [place, { at, outgoing }] of identified.entries()) {
      try {
        if (!this.#enter(pipeline, outgoing)) {
          // Those behind it may have keys that are not in memory either, and all are brought in at once.
          const rest = identified.slice(place).map((one) => one.outgoing);
          await this.#enterCold(pipeline, outgoing, rest);
        }
        admitted.push(outgoing);
      } catch (error) {
        refused.note(at, error);
      }
    }
    const failed = Array.from(refused.errors.values()).filter(isOurFault);
    if (failed.length > 0) this.#logFailed(pipeline, failed);
    const appended = admitted.length === 0 ? [] : await this.#appender.append(admitted);
    return judgeEach(events.length, refused.errors, admitted, appended);
  }

  /** Waits for the schema of one event. From the first wait on the whole batch takes up memory, and what is made of its events. */
  async #waitFor(found: Promise<Outgoing | undefined>, events: readonly unknown[], waiting: Holding): Promise<Outgoing | undefined> {
    const { limits } = this.#means;
    if (waiting.bytes === 0) waiting.change(events.reduce<number>((sum, event) => sum + bytesOfInput(event, limits), 0));
    const outgoing = await found;
    waiting.change(outgoing?.bytes ?? 0);
    return outgoing;
  }

  /** One event of a batch; undefined when it is refused, which is noted. What a schema that was late waits for will not come for it either. */
  #identifyOne(
    pipeline: AnyPipeline,
    event: unknown,
    options: IngestOptions,
    note: (error: unknown) => undefined,
    late: MillraceError | undefined,
  ): Outgoing | undefined | Promise<Outgoing | undefined> {
    try {
      if (late !== undefined) this.#reject(pipeline, late);
      const outgoing = this.#identify(pipeline, event, options);
      return outgoing instanceof Promise ? outgoing.catch(note) : outgoing;
    } catch (error) {
      return note(error);
    }
  }

  /** Writes one line for a call: events that fail together nearly always have one fault. */
  #logFailed({ name }: AnyPipeline, failed: readonly unknown[]): void {
    this.#means.log.error(
      { pipeline: name, events: failed.length, ...faultFields(faultOf(failed[0])) },
      'a function of the pipeline failed',
    );
  }

  /** A call that brings `count` events. Whether there is room is asked first of all, so that refusing costs next to nothing. */
  #begin({ name }: AnyPipeline, count: number, options: Provenance): Call {
    const { clock, counters, tracing } = this.#means;
    const from = clock.elapsedMs();
    this.#checkRoom(name, count);
    const span = tracing?.start(
      'ingest',
      { 'millrace.pipeline': name, 'millrace.events': count },
      traceparentOf(options.traceparent) ?? 'active',
    );
    return {
      options: span === undefined ? options : { ...options, traceparent: span.traceparent },
      end(acknowledged) {
        counters(name).acceptMs.record(clock.elapsedMs() - from, acknowledged);
        span?.end();
      },
      fail: (error) => span?.end(error),
    };
  }

  #checkRoom(name: string, count: number): void {
    const { backlog, deliveries } = this.#means.limits;
    try {
      this.#means.checkOpen();
      const refusal = this.#means.refusal(name);
      if (refusal !== undefined) throw refusal;
      if (this.#means.memory.arriving.isSpent) throw memoryFull(name);
      if (this.#means.counters(name).deliveries >= deliveries) {
        throw new MillraceError(
          'MILL_BACKLOG_FULL',
          `pipeline ${name}: expected fewer than ${deliveries} deliveries without an outcome, found as many`,
          {
            retryAfterMs: 5_000,
          },
        );
      }
      const entering = (this.#entering.get(name) ?? 0) + count;
      if (this.#means.backlog(name) + entering <= backlog) {
        this.#entering.set(name, entering);
        return;
      }
      throw new MillraceError(
        'MILL_BACKLOG_FULL',
        `pipeline ${name}: expected at most ${backlog} events to wait, found no room for ${count}`,
        { retryAfterMs: 1_000 },
      );
    } catch (error) {
      this.#means.counters(name).rejected += count;
      throw error;
    }
  }

  /** The event as it will be stored. A promise only when the schema is asynchronous. */
  #identify(pipeline: AnyPipeline, event: unknown, options: Provenance): Outgoing | Promise<Outgoing> {
    try {
      const identified = identify(this.#means, pipeline, event, options);
      if (!(identified instanceof Promise)) return identified;
      return identified
        .then((outgoing) => {
          this.#timeouts.answered(pipeline.name);
          return outgoing;
        })
        .catch((error: unknown) => this.#reject(pipeline, error));
    } catch (error) {
      return this.#reject(pipeline, error);
    }
  }

  /** Counts an event as on its way to the log, if its key has room. Returns false when the key must be in memory before that is known. */
  #enter(pipeline: AnyPipeline, { stored, bytes }: Outgoing, wasWarmed = false): boolean {
    try {
      // An asynchronous schema may have taken long, and so may the store.
      this.#means.checkOpen();
      const isFull = pipeline.key !== undefined && this.#means.unsettled(pipeline.name) >= this.#means.limits.held;
      const admission = this.#means.partition(stored.partition).arrive(stored.key, stored.number, isFull, wasWarmed);
      if (admission === 'cold') return false;
      if (admission !== 'in') throw this.#refusalOf(pipeline, stored, admission);
      this.#means.memory.arriving.change(bytes);
      this.#entered(pipeline.name);
      return true;
    } catch (error) {
      return this.#reject(pipeline, error);
    }
  }

  /** Lets an event in once its key is in memory, and with it those of others. */
  async #enterCold(pipeline: AnyPipeline, outgoing: Outgoing, others: readonly Outgoing[]): Promise<void> {
    const { arriving } = this.#means.memory;
    const bytes = others.reduce((sum, other) => sum + other.bytes, 0);
    arriving.change(bytes);
    try {
      const keys = Map.groupBy(others, ({ stored }) => this.#means.partition(stored.partition));
      await Promise.all(Array.from(keys, ([partition, own]) => partition.warm(own.map(({ stored }) => stored.key))));
    } catch (error) {
      this.#reject(pipeline, error);
    } finally {
      arriving.change(-bytes);
    }
    this.#enter(pipeline, outgoing, true);
  }

  #refusalOf({ name, order }: AnyPipeline, { key, number }: NewEvent, admission: Admission): MillraceError {
    const { limits } = this.#means;
    if (admission === 'too early') {
      const message = `key ${key}: expected a number at most ${order?.jumpMax} (gap.maxJump) beyond the next one, found ${number}`;
      return new MillraceError('MILL_EVENT_TOO_EARLY', message);
    }
    if (admission === 'key is full') {
      const pendingMax = order?.pendingMax ?? limits.pendingPerKey;
      return new MillraceError('MILL_KEY_FULL', `key ${key}: ${pendingMax} events wait for it already`, { retryAfterMs: 5_000 });
    }
    const awaited = number === null ? 'a retry or an operator' : 'lower numbers';
    const message = `pipeline ${name}: expected fewer than ${limits.held} unsettled events (held), found as many, and key ${key} waits for ${awaited}`;
    return new MillraceError('MILL_BACKLOG_FULL', message, { retryAfterMs: 5_000 });
  }

  #reject({ name }: AnyPipeline, error: unknown): never {
    this.#entered(name);
    this.#means.counters(name).rejected += 1;
    if (codeOf(error) === 'MILL_VALIDATION_TIMEOUT') this.#timeouts.timedOut(name);
    throw error instanceof MillraceError ? error : new MillraceError('MILL_INTERNAL', messageOf(error), { cause: error });
  }

  #entered(pipeline: string): void {
    this.#entering.set(pipeline, (this.#entering.get(pipeline) ?? 0) - 1);
  }

  #appended(events: readonly Outgoing[], appended: readonly Appended[]): void {
    this.#refused = undefined;
    this.hand(events, appended);
    this.#arrived(events, appended);
  }

  /** What was on its way has come, or will not. */
  #arrived(events: readonly Outgoing[], appended: readonly Appended[]): void {
    events.forEach(({ stored, bytes }, at) => {
      this.#means.memory.arriving.change(-bytes);
      this.#means.partition(stored.partition).arrived(stored.key, appended[at]?.status === 'accepted');
    });
  }

  /** Finds out when a lock is gone, also when nobody brings events, as when a refusal has turned them away. */
  #probeLater(): void {
    if (this.#isProbing) return;
    this.#isProbing = true;
    this.#means.clock.after(probeMs, () => void this.#probe());
  }

  async #probe(): Promise<void> {
    const { store, clock, checkOpen } = this.#means;
    try {
      checkOpen();
      await store.append([]);
      this.#isProbing = false;
      this.#refused = undefined;
    } catch (error) {
      this.#isProbing = false;
      // Any other failure is for those to meet who work on the store.
      if (!(error instanceof MillraceError) || error.code !== 'MILL_STORE_BUSY') return;
      this.#refused = { at: clock.elapsedMs(), reason: error.message };
      this.#probeLater();
    }
  }

  /** After this nobody knows what is in the log, unless the store was merely locked. */
  #failed(events: readonly Outgoing[], error: unknown): void {
    this.#arrived(events, []);
    const failure = error instanceof MillraceError ? error : new MillraceError('MILL_INTERNAL', messageOf(error), { cause: error });
    this.#refused = { at: this.#means.clock.elapsedMs(), reason: failure.message };
    if (failure.code === 'MILL_STORE_BUSY') {
      this.#probeLater();
      return;
    }
    for (const partition of new Set(events.map(({ stored }) => this.#means.partition(stored.partition)))) partition.recover(failure);
  }
}

function memoryFull(pipeline: string): MillraceError {
  const message = `pipeline ${pipeline}: expected less to be on its way to the log, found events that take up all memory there is for them`;
  return new MillraceError('MILL_MEMORY_FULL', message, { retryAfterMs: 1_000 });
}

/** What is wrong with one event; anything else is wrong with the call. */
function asRefusal(error: unknown): MillraceError {
  if (error instanceof MillraceError) return error;
  throw error;
}

/** The events of a batch that are refused, by their places. */
class Refused {
  readonly errors = new Map<number, MillraceError>();
  /** The schema has not answered in time for one of them. */
  late: MillraceError | undefined;

  note(at: number, error: unknown): undefined {
    const refusal = asRefusal(error);
    this.errors.set(at, refusal);
    if (refusal.code === 'MILL_VALIDATION_TIMEOUT') this.late = refusal;
  }
}

/** What became of each event of a batch, holes in its array among them. */
function judgeEach(
  count: number,
  refused: ReadonlyMap<number, MillraceError>,
  admitted: readonly Outgoing[],
  appended: readonly Appended[],
): readonly Judged[] {
  let next = 0;
  return Array.from({ length: count }, (_, at) => {
    const error = refused.get(at);
    if (error !== undefined) return { status: 'rejected', error };
    const verdict = judge(admitted[next] as Outgoing, appended[next]);
    next += 1;
    return verdict;
  });
}

/** Whether the pipeline, or the engine, is at fault. */
function isOurFault({ code }: MillraceError): boolean {
  return code === 'MILL_PIPELINE_FAILED' || code === 'MILL_INTERNAL';
}

function judge({ stored }: Outgoing, appended: Appended | undefined): Judged {
  if (appended?.status !== 'late') return { status: appended?.status === 'accepted' ? 'accepted' : 'duplicate', id: stored.id };
  const message = `key ${stored.key}: expected number ${stored.number} before it was skipped, found it after`;
  return { status: 'rejected', error: new MillraceError('MILL_EVENT_TOO_LATE', message) };
}
