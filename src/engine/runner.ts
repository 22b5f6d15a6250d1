import type { MillraceError } from '../errors.ts';
import type { StoredCause } from '../store/store.ts';
import { type AttemptResult, attempt } from './attempt.ts';
import { type Cause, causeFields, nameOf } from './cause.ts';
import type { CauseWrites } from './cause-writes.ts';
import { Decisions } from './decisions.ts';
import { isUnheard, whyUndeclared } from './declared-cause.ts';
import type { TenureContext } from './engine-context.ts';
import type { Failures } from './failures.ts';
import type { Lane } from './lane.ts';
import { bytesOfEvent, bytesOfText, Holding } from './memory.ts';
import { readState } from './state.ts';
import { TurnRecord } from './turn.ts';
import type { TurnOrder } from './turn-order.ts';

/** The receivers of turns' results. */
export interface RunnerParts {
  readonly failures: Failures;
  readonly writes: CauseWrites;
  readonly order: TurnOrder;
}

/** Turns followed before any asynchronous one. A turn that ends at once leaves nothing under way, so following it is of little use. */
const followedAtFirst = 100;

/** Runs turns. A turn's decisions go into the draft as a whole, or the attempt has failed and none of them do. */
export class Runner {
  readonly #context: TenureContext;
  readonly #parts: RunnerParts;
  readonly #decisions: Decisions;
  /** The memory of asynchronous turns under way. */
  readonly #memory: Holding;
  readonly #running = new Set<{ readonly lane: Lane; readonly turn: TurnRecord; readonly result: Promise<AttemptResult> }>();
  /** Number of further turns to follow; unlimited once one was asynchronous. */
  #toFollow = followedAtFirst;
  #closed = false;

  constructor(context: TenureContext, parts: RunnerParts) {
    this.#context = context;
    this.#parts = parts;
    this.#decisions = new Decisions(context, parts.writes, parts.order);
    this.#memory = new Holding(context.engine.memory.running);
  }

  /** Number of asynchronous turns under way. */
  get running(): number {
    return this.#running.size;
  }

  /** Aborts a key's asynchronous turn, if one is under way: the attempt has failed. */
  abort(key: string, reason: MillraceError): void {
    for (const { lane, turn } of this.#running) if (lane.key === key) turn.abort(reason);
  }

  /** Aborts everything that runs and resolves when no handler is running any more. Their decisions no longer count. */
  async close(reason: MillraceError): Promise<void> {
    this.#closed = true;
    for (const { turn } of this.#running) turn.abort(reason);
    await Promise.all(Array.from(this.#running, ({ result }) => result));
  }

  /** Runs the turn that a lane has begun. */
  run(lane: Lane, cause: Cause): void {
    const isHandled = cause.kind === 'event' || this.#hasHandler(lane, cause);
    // The store refused the turn's previous writes: it must not run again. That is reported once.
    const refusal = isHandled ? this.#context.partition.refusals.take(cause) : undefined;
    if (isHandled && refusal === undefined) {
      this.#attempt(lane, this.#turn(lane, cause), cause);
      return;
    }
    lane.endTurn();
    if (refusal !== undefined) this.#parts.failures.failed(lane, cause, refusal);
    // It counts as a turn, so that the failure is on disk before another turn's refusal can undo it.
    this.#context.draft().turns += 1;
  }

  /**
   * Returns false for a timer or outcome whose declaration is gone: it becomes a dead letter without an attempt, unless it is an outcome
   * that nobody wants.
   */
  #hasHandler(lane: Lane, cause: StoredCause): boolean {
    const { engine, pipeline } = this.#context;
    const { declaration } = pipeline;
    const reason = whyUndeclared(declaration, cause);
    if (reason === undefined && !isUnheard(declaration, cause)) return true;
    if (reason !== undefined) this.#parts.failures.giveUpCause(lane, cause, { reason, stack: null });
    else {
      const fields = { pipeline: declaration.name, key: lane.key, ...causeFields(cause) };
      engine.log.debug(fields, 'outcome dropped: its endpoint no longer declares an outcome handler');
      this.#parts.writes.write(lane, this.#context.draft(), { ...nameOf(cause), dueAt: null });
    }
    this.#context.drafted();
    return false;
  }

  #handle(lane: Lane, cause: Cause, turn: TurnRecord): unknown {
    const { engine, pipeline } = this.#context;
    const { declaration } = pipeline;
    const state = lane.takeState() ?? readState(declaration, lane.stored, engine.provenStates.has(declaration.name));
    switch (cause.kind) {
      case 'event':
        // The handler may change it, and keep parts of it. A later attempt reads the event back from the store.
        return declaration.handle(cause.event ?? JSON.parse(cause.body), state, turn);
      case 'timer':
        return declaration.timers[cause.name]?.(state, turn, cause.data === null ? undefined : JSON.parse(cause.data));
      case 'outcome':
        return declaration.deliver[cause.endpoint]?.outcome?.(state, turn, JSON.parse(cause.data));
    }
  }

  #turn({ key }: Lane, cause: Cause): TurnRecord {
    const { clock, limits, log, tracing } = this.#context.engine;
    const { declaration: pipeline } = this.#context.pipeline;
    const id = cause.kind === 'timer' ? cause.name : cause.id;
    const acceptedAt = cause.kind === 'event' ? cause.acceptedAt : cause.dueAt;
    const traceparent = cause.kind === 'event' ? cause.traceparent : null;
    const attempt = cause.attempts + 1;
    const span = tracing?.start(
      'handle',
      { 'millrace.pipeline': pipeline.name, 'millrace.key': key, ...causeAttributes(cause), 'millrace.attempt': attempt },
      traceparent,
    );
    return new TurnRecord({ pipeline, key, id, attempt, acceptedAt, now: clock.now(), traceparent, effectsMax: limits.effects, log, span });
  }

  /** Makes one attempt: the handler's decisions go into the draft as a whole, or the attempt failed and none of them do. */
  #attempt(lane: Lane, turn: TurnRecord, cause: Cause): void {
    const { clock, turns } = this.#context.engine;
    const from = clock.elapsedMs();
    const call = () => this.#handle(lane, cause, turn);
    const handle = this.#toFollow > 0 ? () => turns.follow(turn, call) : call;
    this.#toFollow -= 1;
    const result = attempt(this.#context, turn, turn.span === undefined ? handle : () => turn.span?.run(handle));
    if (result instanceof Promise) void this.#runOn(lane, turn, cause, result, from);
    else this.#conclude(lane, turn, cause, result, from);
  }

  async #runOn(lane: Lane, turn: TurnRecord, cause: Cause, result: Promise<AttemptResult>, from: number): Promise<void> {
    const { engine, pipeline, failed } = this.#context;
    const { turns } = engine;
    const { counters, places } = pipeline;
    const running = { lane, turn, result };
    const bytes = cause.kind === 'event' ? bytesOfEvent(cause) : bytesOfText(cause.data ?? '');
    this.#toFollow = Number.POSITIVE_INFINITY;
    this.#running.add(running);
    this.#memory.change(bytes);
    turns.begin(turn);
    counters.running += 1;
    places.take();
    const ended = await result;
    this.#running.delete(running);
    this.#memory.change(-bytes);
    turns.end(turn);
    counters.running -= 1;
    try {
      try {
        this.#conclude(lane, turn, cause, ended, from);
      } finally {
        // No earlier: whoever waits for the slot may belong to this tenure, and looks at the draft.
        places.release();
      }
      if (!this.#closed) this.#parts.order.ended(lane);
    } catch (error) {
      failed(error);
    }
  }

  /** @param from when the attempt began, in the clock's elapsed time */
  #conclude(lane: Lane, turn: TurnRecord, cause: Cause, ended: AttemptResult, from: number): void {
    const { engine, pipeline } = this.#context;
    turn.durationMs = engine.clock.elapsedMs() - from;
    pipeline.counters.handleMs.record(turn.durationMs);
    turn.span?.end(ended.ok ? undefined : ended.error);
    lane.endTurn();
    if (this.#closed) return;
    if (ended.ok) this.#decisions.take(lane, turn, cause, ended);
    else this.#parts.failures.failed(lane, cause, ended.error, turn.durationMs);
  }
}

/** Returns a span's attributes for the cause. */
function causeAttributes(cause: Cause): Readonly<Record<string, string>> {
  if (cause.kind === 'event') return { 'millrace.event': cause.id };
  if (cause.kind === 'timer') return { 'millrace.timer': cause.name };
  return { 'millrace.endpoint': cause.endpoint, 'millrace.delivery': cause.id };
}
