import { MillraceError } from '../errors.ts';
import { codeOf, faultFields, faultOf } from '../fault.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import { AdmissionControl } from './admission-control.ts';
import type { Outgoing } from './draft.ts';
import type { EngineContext } from './engine-context.ts';
import { bytesOfInput, type IngestOptions, identify, type Provenance } from './identify.ts';
import { Holding } from './memory.ts';
import type { Partitions } from './partitions.ts';
import { SchemaTimeouts } from './schema-timeouts.ts';
import { traceparentOf } from './tracing.ts';
import { type Ingested, type Judged, judge, judgeEach, Refused } from './verdicts.ts';

/** Measures and traces one `ingest` or `ingestBatch`. */
interface IngestSpan {
  /** The caller's options, with the trace of this ingest. */
  readonly options: Provenance;
  /** @param acknowledged number of accepted and duplicate events */
  end(acknowledged: number): void;
  fail(error: unknown): void;
}

/** The dependencies of the door, provided by the engine. */
export interface DoorMeans {
  readonly engine: EngineContext;
  readonly partitions: Partitions;
  /** Throws while the engine accepts nothing. */
  checkOpen(): void;
}

/** Ingest: validate, identify, refuse overload (promise 7), append, acknowledge, hand over. */
export class Door {
  readonly #engine: EngineContext;
  readonly #partitions: Partitions;
  readonly #timeouts: SchemaTimeouts;
  readonly #admission: AdmissionControl;
  /** Admits rows of the inbox under the same limits: a refused row waits there, and is not a rejected event. */
  readonly inboxAdmission: AdmissionControl;

  constructor({ engine, partitions, checkOpen }: DoorMeans) {
    const { clock, log, limits } = engine;
    this.#engine = engine;
    this.#partitions = partitions;
    this.#timeouts = new SchemaTimeouts({ clock, log, limits, counters: (pipeline) => partitions.counters(pipeline) });
    const means = { engine, partitions, timeouts: this.#timeouts, checkOpen, entering: new Map<string, number>() };
    this.#admission = new AdmissionControl({ ...means, isCounted: true });
    this.inboxAdmission = new AdmissionControl({ ...means, isCounted: false });
  }

  /** Takes one event, and returns its key too. Throws the reason of a rejection, and logs it if the pipeline is at fault. */
  async take(pipeline: AnyPipeline, event: unknown, options: Provenance): Promise<{ readonly ingested: Ingested; readonly key: string }> {
    const span = this.#begin(pipeline, 1, options);
    try {
      const identified = this.#identify(pipeline, event, span.options);
      const outgoing = identified instanceof Promise ? await identified : identified;
      if (!this.#admission.enter(pipeline, outgoing)) await this.#admission.enterCold(pipeline, outgoing, [outgoing]);
      const [appended] = await this.#engine.eventLog.append([outgoing]);
      const judged = judge(outgoing, appended);
      if (judged.status === 'rejected') throw judged.error;
      span.end(1);
      return { ingested: judged, key: outgoing.stored.key };
    } catch (error) {
      if (codeOf(error) === 'MILL_PIPELINE_FAILED' && options.isOfRun !== true) this.#logFailed(pipeline, [error]);
      span.fail(error);
      throw error;
    }
  }

  /** Takes many events in one append, judging each separately. Refuses them all if they do not fit into the backlog together. */
  async takeBatch(pipeline: AnyPipeline, events: readonly unknown[], options: IngestOptions): Promise<readonly Judged[]> {
    const { batch } = this.#engine.limits;
    if (events.length > batch)
      throw new MillraceError('MILL_INVALID_REQUEST', `batch: expected at most ${batch} events, found ${events.length}`);
    if (events.length === 0) return [];
    const span = this.#begin(pipeline, events.length, options);
    try {
      const judged = await this.#takeEach(pipeline, events, span.options);
      span.end(judged.filter(({ status }) => status !== 'rejected').length);
      return judged;
    } catch (error) {
      span.fail(error);
      throw error;
    }
  }

  /** The reason the store, or a schema, currently accepts nothing; undefined if it does, or if none was tried for a while. */
  get refusal(): string | undefined {
    return this.#engine.eventLog.refusal ?? this.#timeouts.trouble;
  }

  /** Without an asynchronous schema and cold keys it does not wait before the append: events enter in the order of the calls. */
  async #takeEach(pipeline: AnyPipeline, events: readonly unknown[], options: IngestOptions): Promise<readonly Judged[]> {
    const refused = new Refused();
    const identified: { readonly at: number; readonly outgoing: Outgoing }[] = [];
    const waiting = new Holding(this.#engine.memory.arriving);
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
        if (!this.#admission.enter(pipeline, outgoing)) {
          // Keys of later events may not be in memory either, so all are loaded at once.
          const rest = identified.slice(place).map((one) => one.outgoing);
          await this.#admission.enterCold(pipeline, outgoing, rest);
        }
        admitted.push(outgoing);
      } catch (error) {
        refused.note(at, error);
      }
    }
    const { faults } = refused;
    if (faults.length > 0) this.#logFailed(pipeline, faults);
    const appended = admitted.length === 0 ? [] : await this.#engine.eventLog.append(admitted);
    return judgeEach(events.length, refused.errors, admitted, appended);
  }

  /** Waits for the schema of one event. From the first wait on, the whole batch and its results take up memory. */
  async #waitFor(found: Promise<Outgoing | undefined>, events: readonly unknown[], waiting: Holding): Promise<Outgoing | undefined> {
    const { limits } = this.#engine;
    if (waiting.bytes === 0) waiting.change(events.reduce<number>((sum, event) => sum + bytesOfInput(event, limits), 0));
    const outgoing = await found;
    waiting.change(outgoing?.bytes ?? 0);
    return outgoing;
  }

  /**
   * Identifies one event of a batch; undefined if it is refused, which is noted. Once a schema has timed out in the batch, this event does
   * not wait for it again.
   */
  #identifyOne(
    pipeline: AnyPipeline,
    event: unknown,
    options: IngestOptions,
    note: (error: unknown) => undefined,
    late: MillraceError | undefined,
  ): Outgoing | undefined | Promise<Outgoing | undefined> {
    try {
      if (late !== undefined) this.#admission.reject(pipeline, late);
      const outgoing = this.#identify(pipeline, event, options);
      return outgoing instanceof Promise ? outgoing.catch(note) : outgoing;
    } catch (error) {
      return note(error);
    }
  }

  /** Writes one line per call: events that fail together nearly always share one fault. */
  #logFailed({ name }: AnyPipeline, failed: readonly unknown[]): void {
    this.#engine.log.error(
      { pipeline: name, events: failed.length, ...faultFields(faultOf(failed[0])) },
      'a function of the pipeline failed',
    );
  }

  /** Begins an ingest of `count` events. Checks for room first of all, so that refusing costs next to nothing. */
  #begin({ name }: AnyPipeline, count: number, options: Provenance): IngestSpan {
    const { clock, tracing } = this.#engine;
    const partitions = this.#partitions;
    const from = clock.elapsedMs();
    this.#admission.begin(name, count);
    const span = tracing?.start(
      'ingest',
      { 'millrace.pipeline': name, 'millrace.events': count },
      traceparentOf(options.traceparent) ?? 'active',
    );
    return {
      options: span === undefined ? options : { ...options, traceparent: span.traceparent },
      end(acknowledged) {
        partitions.counters(name).acceptMs.record(clock.elapsedMs() - from, acknowledged);
        span?.end();
      },
      fail: (error) => span?.end(error),
    };
  }

  /** Returns the event as it will be stored. A promise only if the schema is asynchronous. */
  #identify(pipeline: AnyPipeline, event: unknown, options: Provenance): Outgoing | Promise<Outgoing> {
    try {
      const identified = identify(this.#engine, pipeline, event, options);
      if (!(identified instanceof Promise)) return identified;
      return identified
        .then((outgoing) => {
          this.#timeouts.answered(pipeline.name);
          return outgoing;
        })
        .catch((error: unknown) => this.#admission.reject(pipeline, error));
    } catch (error) {
      return this.#admission.reject(pipeline, error);
    }
  }
}
