import type { MillraceError } from '../errors.ts';
import { type Fault, faultFields, faultOf } from '../fault.ts';
import type { NewDeadLetter, TimerWrite } from '../store/store.ts';
import { type AttemptMeans, attempt, type Outcome } from './attempt.ts';
import { pauseMs } from './backoff.ts';
import type { Counters } from './counts.ts';
import { isUnheard, whyUndeclared } from './declared-timer.ts';
import type { Draft, Outgoing } from './draft.ts';
import type { DueTimer } from './key-timers.ts';
import type { Lane, Waiting } from './lane.ts';
import type { Log } from './log.ts';
import { bytesOfEvent, bytesOfText, Holding, type Memory } from './memory.ts';
import { flowFor } from './outbox/flow-for.ts';
import { deliveryOf, isDecided, outcomeName } from './outbox/outcome.ts';
import type { SendRoom } from './send-room.ts';
import { readState } from './state.ts';
import type { SteadyTracing } from './steady-tracing.ts';
import { traceFields } from './tracing.ts';
import { type DeliveryEffect, TurnRecord, type TurnSubject } from './turn.ts';
import type { TurnsUnderWay } from './turns-under-way.ts';

type WithoutFacts<Letter> = Letter extends unknown ? Omit<Letter, 'id' | 'key' | 'failedAt'> : never;
/** A dead letter of a lane, as it is given up now. */
type GivenUp = WithoutFacts<NewDeadLetter>;

/** What turns work with; their partition provides it. */
export interface RunnerMeans extends AttemptMeans {
  readonly random: () => number;
  readonly memory: Memory;
  readonly log: Log;
  readonly tracing: SteadyTracing | undefined;
  readonly counters: Counters;
  readonly turns: TurnsUnderWay;
  readonly room: SendRoom;
  /** Pipelines all of whose stored states of the present version fit their schema. */
  readonly provenStates: ReadonlySet<string>;
  /** The draft that takes what turns decide now. */
  draft(): Draft;
  /** Something was drafted. */
  drafted(): void;
  /** A turn decided what becomes of a timer. */
  timerTouched(key: string, name: string): void;
  /** Why a turn must not run again: the store refused what it wrote. Answers it once. */
  refusal(cause: Waiting | DueTimer): MillraceError | undefined;
  /** The store failed under a lane, or what may never happen did: the tenure ends. */
  failed(error: unknown): void;
}

/** What a turn means for the order of its key. */
export interface RunnerOrder {
  /** The event needs no further turn. */
  settled(lane: Lane, draft: Draft, waiting: Waiting): void;
  /** The event keeps its key waiting until a moment, or (null) until an operator decides. */
  stopped(lane: Lane, draft: Draft, waiting: Waiting, retryAt: number | null): void;
  /** The turn sends to a pipeline that has no room: it had no effect, and runs again once there is room. */
  throttled(lane: Lane, draft: Draft, cause: Waiting | DueTimer, to: string): void;
  /** An asynchronous turn is over. */
  ended(lane: Lane): void;
}

/** Turns that are followed while none was asynchronous. A turn that ends at once leaves nothing under way, so to follow it is of little use. */
const followedAtFirst = 100;

/** Runs turns. What a turn decides goes into the draft whole, or the attempt has failed and nothing of it does. */
export class Runner {
  readonly #means: RunnerMeans;
  readonly #order: RunnerOrder;
  /** What the asynchronous turns under way are about. */
  readonly #memory: Holding;
  readonly #running = new Set<{ readonly lane: Lane; readonly turn: TurnRecord; readonly outcome: Promise<Outcome> }>();
  /** Further turns that are followed; endless once one was asynchronous. */
  #toFollow = followedAtFirst;
  #closed = false;

  constructor(means: RunnerMeans, order: RunnerOrder) {
    this.#means = means;
    this.#order = order;
    this.#memory = new Holding(means.memory.running);
  }

  /** Asynchronous turns under way. */
  get running(): number {
    return this.#running.size;
  }

  /** Aborts the asynchronous turn of a key, if one is under way: the attempt has failed. */
  abort(key: string, reason: MillraceError): void {
    for (const { lane, turn } of this.#running) if (lane.key === key) turn.abort(reason);
  }

  /** Aborts what runs and resolves when no handler is at work any more. What they decide counts no longer. */
  async close(reason: MillraceError): Promise<void> {
    this.#closed = true;
    for (const { turn } of this.#running) turn.abort(reason);
    await Promise.all(Array.from(this.#running, ({ outcome }) => outcome));
  }

  runEvent(lane: Lane, waiting: Waiting): void {
    const refusal = this.#means.refusal(waiting);
    if (refusal !== undefined) {
      lane.endTurn();
      this.#failEvent(lane, waiting, refusal);
      // It counts as a turn, so that the failure is on disk before another turn can be refused and take it along.
      this.#means.draft().turns += 1;
      return;
    }
    const { id, attempts, acceptedAt, traceparent } = waiting;
    this.#run(lane, this.#turn(lane, { id, attempt: attempts + 1, acceptedAt, traceparent }), waiting);
  }

  runTimer(lane: Lane, timer: DueTimer): void {
    if (!this.#hasHandler(lane, timer)) {
      lane.endTurn();
      this.#means.draft().turns += 1;
      return;
    }
    const refusal = this.#means.refusal(timer);
    if (refusal !== undefined) {
      lane.endTurn();
      this.#failTimer(lane, timer, refusal);
      this.#means.draft().turns += 1;
      return;
    }
    const id = deliveryOf(timer.name)?.id ?? timer.name;
    this.#run(lane, this.#turn(lane, { id, attempt: timer.attempts + 1, acceptedAt: timer.dueAt, traceparent: null }), timer);
  }

  /** Nobody handles a timer whose declaration is gone: it ends as a dead letter without an attempt, unless it brings what nobody wants to hear. */
  #hasHandler(lane: Lane, timer: DueTimer): boolean {
    const { pipeline, log } = this.#means;
    const { name, attempts } = timer;
    const reason = whyUndeclared(pipeline, name);
    if (reason === undefined && !isUnheard(pipeline, name)) return true;
    if (reason !== undefined) this.#giveUpTimer(lane, timer, attempts, { reason, stack: null });
    else {
      log.debug(
        { pipeline: pipeline.name, key: lane.key, timer: name },
        'outcome dropped: its endpoint no longer declares a handler for it',
      );
      this.#writeTimer(lane, this.#means.draft(), { key: lane.key, name, timer: null });
    }
    this.#means.drafted();
    return false;
  }

  #handle(lane: Lane, cause: Waiting | DueTimer, turn: TurnRecord): unknown {
    const { pipeline, provenStates } = this.#means;
    const state = lane.takeState() ?? readState(pipeline, lane.stored, provenStates.has(pipeline.name));
    if ('name' in cause) return this.#handleTimer(state, cause, turn);
    // The handler may change it, and keep parts of it. A later attempt reads the event back from the store.
    return pipeline.handle(cause.event ?? JSON.parse(cause.body), state, turn);
  }

  #handleTimer(state: unknown, { name, data }: DueTimer, turn: TurnRecord): unknown {
    const { timers, deliver } = this.#means.pipeline;
    const parsed = data === null ? undefined : JSON.parse(data);
    const delivery = deliveryOf(name);
    if (delivery === undefined) return timers[name]?.(state, turn, parsed);
    return deliver[delivery.endpoint]?.outcome?.(state, turn, parsed);
  }

  #turn({ key }: Lane, subject: Pick<TurnSubject, 'id' | 'attempt' | 'acceptedAt' | 'traceparent'>): TurnRecord {
    const { pipeline, clock, limits, log, tracing } = this.#means;
    const { id, attempt, acceptedAt, traceparent } = subject;
    const span = tracing?.start(
      'handle',
      { 'millrace.pipeline': pipeline.name, 'millrace.key': key, 'millrace.event': id, 'millrace.attempt': attempt },
      traceparent,
    );
    return new TurnRecord({ pipeline, key, id, attempt, acceptedAt, now: clock.now(), traceparent, effectsMax: limits.effects, log, span });
  }

  /** One attempt: what the handler decided goes into the draft whole, or the attempt failed and nothing does. */
  #run(lane: Lane, turn: TurnRecord, cause: Waiting | DueTimer): void {
    const from = this.#means.clock.elapsedMs();
    const call = () => this.#handle(lane, cause, turn);
    const handle = this.#toFollow > 0 ? () => this.#means.turns.follow(turn, call) : call;
    this.#toFollow -= 1;
    const outcome = attempt(this.#means, turn, turn.span === undefined ? handle : () => turn.span?.run(handle));
    if (outcome instanceof Promise) void this.#runOn(lane, turn, cause, outcome, from);
    else this.#conclude(lane, turn, cause, outcome, from);
  }

  async #runOn(lane: Lane, turn: TurnRecord, cause: Waiting | DueTimer, outcome: Promise<Outcome>, from: number): Promise<void> {
    const running = { lane, turn, outcome };
    const bytes = 'name' in cause ? bytesOfText(cause.data ?? '') : bytesOfEvent(cause);
    this.#toFollow = Number.POSITIVE_INFINITY;
    this.#running.add(running);
    this.#memory.change(bytes);
    this.#means.turns.begin(turn);
    this.#means.counters.running += 1;
    const ended = await outcome;
    this.#running.delete(running);
    this.#memory.change(-bytes);
    this.#means.turns.end(turn);
    this.#means.counters.running -= 1;
    try {
      this.#conclude(lane, turn, cause, ended, from);
      if (!this.#closed) this.#order.ended(lane);
    } catch (error) {
      this.#means.failed(error);
    }
  }

  /** @param from when the attempt began, by the clock's elapsed time */
  #conclude(lane: Lane, turn: TurnRecord, cause: Waiting | DueTimer, ended: Outcome, from: number): void {
    this.#means.counters.handleMs.record(this.#means.clock.elapsedMs() - from);
    turn.span?.end(ended.ok ? undefined : ended.error);
    lane.endTurn();
    if (this.#closed) return;
    if (ended.ok) this.#succeed(lane, turn, cause, ended);
    else this.#fail(lane, cause, ended.error);
  }

  #succeed(lane: Lane, turn: TurnRecord, cause: Waiting | DueTimer, decided: Outcome & { readonly ok: true }): void {
    const full = this.#takeRoom(cause, decided.sends);
    if (full === undefined) this.#decide(lane, turn, cause, decided);
    else this.#throttle(lane, cause, full);
  }

  /** Returns a pipeline that has no room for what the turn sends to it, if there is one. */
  #takeRoom(cause: Waiting | DueTimer, sends: readonly Outgoing[]): string | undefined {
    if (sends.length === 0) return undefined;
    const { room, pipeline } = this.#means;
    return room.take({ pipeline: pipeline.name, settlesEvent: 'position' in cause }, sends);
  }

  /** The attempt counts as none. A timer of which a newer one was armed meanwhile needs no other turn. */
  #throttle(lane: Lane, cause: Waiting | DueTimer, to: string): void {
    if ('name' in cause && lane.isReplaced(cause)) return;
    this.#order.throttled(lane, this.#means.draft(), cause, to);
    this.#means.drafted();
  }

  #fail(lane: Lane, cause: Waiting | DueTimer, error: unknown): void {
    if ('name' in cause) this.#failTimer(lane, cause, error);
    else this.#failEvent(lane, cause, error);
  }

  #settle(lane: Lane, draft: Draft, cause: Waiting | DueTimer): void {
    draft.cause ??= cause;
    if ('name' in cause) {
      if (!lane.isReplaced(cause)) this.#writeTimer(lane, draft, { key: lane.key, name: cause.name, timer: null });
      return;
    }
    this.#order.settled(lane, draft, cause);
    draft.counts.processed += 1;
    draft.counts.acceptedAtTotal += cause.acceptedAt;
  }

  #decide(lane: Lane, turn: TurnRecord, cause: Waiting | DueTimer, decided: Outcome & { readonly ok: true }): void {
    const draft = this.#means.draft();
    if (decided.stored !== undefined) lane.moveState(decided.next, decided.stored);
    if (decided.stored) draft.addState(decided.stored.json);
    this.#settle(lane, draft, cause);
    for (const row of turn.rows) draft.addRow(row);
    for (const send of decided.sends) draft.send(send);
    for (const write of turn.timerWrites) this.#writeTimer(lane, draft, write);
    for (const delivery of turn.deliveries) this.#ask(lane, draft, turn, delivery);
    if (turn.ignored !== undefined) {
      draft.counts.ignored += 1;
      turn.log.debug('ignored', { reason: turn.ignored });
    }
    if (lane.numbered || decided.stored !== undefined) draft.change(lane);
    draft.turns += 1;
    this.#means.drafted();
  }

  /** Nothing is asked for that has an outcome already, of which the key has not been told. */
  #ask(lane: Lane, draft: Draft, turn: TurnRecord, effect: DeliveryEffect): void {
    const { endpoint, body, url = null, id = this.#means.newId() } = effect;
    const untold = lane.armed(outcomeName({ endpoint, id }));
    if (untold !== undefined && isDecided(untold)) {
      turn.log.warn('not delivered again: there is an outcome, of which the key has not been told yet', { endpoint, delivery: id });
      return;
    }
    const { pipeline, log } = this.#means;
    const declared = pipeline.deliver[endpoint];
    const { now, traceparent = null } = turn;
    const asked = { id, key: lane.key, endpoint, body, url, askedAt: now };
    const flow = flowFor(asked, declared, { pipeline: pipeline.name, log });
    const delivery = { ...asked, flow, ordered: declared?.isOrdered ?? false, traceparent, attempts: 0, dueAt: now };
    draft.deliver({ write: 'ask', delivery });
  }

  #failEvent(lane: Lane, waiting: Waiting, error: unknown): void {
    const { retry, onGiveUp } = this.#means.pipeline;
    const draft = this.#means.draft();
    waiting.attempts += 1;
    const fault = faultOf(error);
    const { id: event, attempts: attempt, traceparent } = waiting;
    const fields = { pipeline: this.#means.pipeline.name, key: lane.key, event, attempt, ...fault, ...traceFields(traceparent) };
    if (waiting.attempts < retry.attempts) {
      const retryAt = this.#means.clock.now() + pauseMs(retry, waiting.attempts, this.#means.random());
      draft.counts.retries += 1;
      this.#means.log.warn(fields, 'attempt failed');
      this.#order.stopped(lane, draft, waiting, retryAt);
    } else {
      const event = { position: waiting.position, order: waiting.order };
      const parked = onGiveUp === 'park';
      this.#bury(draft, lane, { kind: 'event', ...fault, attempts: waiting.attempts, event, parked });
      this.#means.log.error(fields, parked ? 'gave up, key parked' : 'gave up, event skipped');
      if (parked) this.#order.stopped(lane, draft, waiting, null);
      else this.#order.settled(lane, draft, waiting);
      if (parked || lane.numbered) draft.change(lane);
    }
    this.#means.drafted();
  }

  #failTimer(lane: Lane, timer: DueTimer, error: unknown): void {
    const { retry } = this.#means.pipeline;
    const draft = this.#means.draft();
    const { name, dueAt, data } = timer;
    const attempts = timer.attempts + 1;
    const { reason, stack } = faultOf(error);
    const fault = { reason: `timer ${name}: ${reason}`, stack };
    const fields = { pipeline: this.#means.pipeline.name, key: lane.key, timer: name, attempt: attempts, ...fault };
    if (lane.isReplaced(timer)) {
      this.#means.log.warn(fields, 'attempt failed, and a newer one takes its place');
    } else if (attempts < retry.attempts) {
      this.#means.log.warn(fields, 'attempt failed');
      draft.counts.retries += 1;
      const retryAt = this.#means.clock.now() + pauseMs(retry, attempts, this.#means.random());
      const write = { key: lane.key, name, timer: { dueAt, data, attempts, retryAt } };
      this.#writeTimer(lane, draft, write);
      lane.retryTimer({ name, ...write.timer });
    } else {
      this.#giveUpTimer(lane, timer, attempts, fault);
    }
    this.#means.drafted();
  }

  #giveUpTimer(lane: Lane, { name, dueAt, data }: DueTimer, attempts: number, fault: Fault): void {
    const { pipeline, log } = this.#means;
    const draft = this.#means.draft();
    log.error({ pipeline: pipeline.name, key: lane.key, timer: name, attempt: attempts, ...faultFields(fault) }, 'gave up, timer dropped');
    this.#bury(draft, lane, { kind: 'timer', ...fault, attempts, timer: { name, dueAt, data } });
    this.#writeTimer(lane, draft, { key: lane.key, name, timer: null });
  }

  #writeTimer(lane: Lane, draft: Draft, write: TimerWrite): void {
    lane.changeIn(draft.number);
    lane.writeTimer(write);
    this.#means.timerTouched(lane.key, write.name);
    draft.writeTimer(write);
  }

  /** Gives the missing numbers below `to` up. */
  skipGap(lane: Lane, to: number, skipAfterMs: number): void {
    const draft = this.#means.draft();
    const numbers = { from: lane.next, to: to - 1 };
    const missing = numbers.from === numbers.to ? `number ${numbers.from}` : `numbers ${numbers.from} to ${numbers.to}`;
    const reason = `${missing} did not arrive within ${skipAfterMs} ms`;
    this.#bury(draft, lane, { kind: 'gap', reason, stack: null, attempts: 0, numbers });
    lane.moveTo(to);
    draft.change(lane);
    this.#means.drafted();
  }

  /** Gives up an event whose number lies too far ahead to be one of the sequence: skipping to it would make all that come later late. */
  giveUpFar(lane: Lane, waiting: Waiting): void {
    const draft = this.#means.draft();
    const { order: number, position, attempts } = waiting;
    const reason = `number ${number} is more than ${this.#means.pipeline.order?.jumpMax} beyond ${lane.next}, the next one: gap.maxJump`;
    const event = { position, order: number };
    this.#bury(draft, lane, { kind: 'event', reason, stack: null, attempts, event, parked: false });
    this.#means.log.error({ pipeline: this.#means.pipeline.name, key: lane.key, event: waiting.id, reason }, 'gave up, event skipped');
    this.#order.settled(lane, draft, waiting);
    this.#means.drafted();
  }

  #bury(draft: Draft, lane: Lane, letter: GivenUp): void {
    const { clock } = this.#means;
    const now = clock.now();
    const id = this.#means.newId();
    draft.bury({ id, key: lane.key, failedAt: now, ...letter });
    if (letter.kind !== 'event') return;
    draft.counts.failed += 1;
    if (letter.parked) draft.parked.push(id);
  }
}
