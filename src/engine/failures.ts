import { type Fault, faultFields, faultOf } from '../fault.ts';
import type { NewDeadLetter, StoredCause } from '../store/store.ts';
import { pauseMs } from './backoff.ts';
import { type Cause, causeFields, describeCause, nameOf, type Waiting } from './cause.ts';
import type { CauseWrites } from './cause-writes.ts';
import type { TenureContext } from './engine-context.ts';
import type { Lane } from './lane.ts';
import { tellFailure } from './told-turns.ts';
import { traceFields } from './tracing.ts';
import type { TurnOrder } from './turn-order.ts';

type WithoutFacts<Letter> = Letter extends unknown ? Omit<Letter, 'id' | 'key' | 'failedAt'> : never;
/** A dead letter of a lane at the moment it is given up. */
type GivenUp = WithoutFacts<NewDeadLetter>;

/** A failed attempt that was just made. */
interface Failed {
  readonly error: unknown;
  /** The index of its timeline item. */
  readonly of: number | undefined;
}

/** Decides what is retried after a failure, and turns the rest into dead letters (promise 9). */
export class Failures {
  readonly #context: TenureContext;
  readonly #writes: CauseWrites;
  readonly #order: Pick<TurnOrder, 'settled' | 'stopped'>;

  constructor(context: TenureContext, writes: CauseWrites, order: Pick<TurnOrder, 'settled' | 'stopped'>) {
    this.#context = context;
    this.#writes = writes;
    this.#order = order;
  }

  /** Handles a failed attempt: another one is due later, or none is left. */
  failed(lane: Lane, cause: Cause, error: unknown, durationMs?: number): void {
    const { told } = this.#context.draft();
    const at = this.#context.engine.clock.now();
    const of = told && tellFailure(told, lane, cause, { ...faultOf(error), at, durationMs });
    if (cause.kind === 'event') this.#failEvent(lane, cause, { error, of });
    else this.#failCause(lane, cause, { error, of });
  }

  /** Gives up a timer or outcome. @param of the index of the timeline item of its last attempt, if that was just made */
  giveUpCause(lane: Lane, cause: StoredCause, fault: Fault, of?: number): void {
    const { engine, pipeline } = this.#context;
    const draft = this.#context.draft();
    const { attempts } = cause;
    const fields = {
      pipeline: pipeline.declaration.name,
      key: lane.key,
      ...causeFields(cause),
      attempt: attempts,
      ...faultFields(fault),
    };
    engine.log.error(fields, `gave up, ${cause.kind} dropped`);
    this.#bury(lane, { ...failureOf(cause), ...fault, attempts }, of);
    this.#writes.write(lane, draft, { ...nameOf(cause), dueAt: null });
  }

  /** Gives up the missing numbers below `to`. @param why what happened to them */
  skipGap(lane: Lane, to: number, why: string): void {
    const draft = this.#context.draft();
    const numbers = { from: lane.next, to: to - 1 };
    const missing = numbers.from === numbers.to ? `number ${numbers.from}` : `numbers ${numbers.from} to ${numbers.to}`;
    const reason = `${missing} ${why}`;
    this.#bury(lane, { kind: 'gap', reason, stack: null, attempts: 0, numbers });
    lane.moveTo(to);
    draft.change(lane);
    this.#context.drafted();
  }

  /** Gives up an event whose number is too far ahead to belong to the sequence: skipping to it would make all later events late. */
  giveUpFar(lane: Lane, waiting: Waiting): void {
    const { engine, pipeline } = this.#context;
    const { name, order } = pipeline.declaration;
    const draft = this.#context.draft();
    const { order: number, position, attempts } = waiting;
    const reason = `number ${number} is more than ${order?.jumpMax} beyond ${lane.next}, the next one: gap.maxJump`;
    const event = { position, order: number };
    this.#bury(lane, { kind: 'event', reason, stack: null, attempts, event, parked: false });
    engine.log.error({ pipeline: name, key: lane.key, event: waiting.id, reason }, 'gave up, event skipped');
    this.#order.settled(lane, draft, waiting);
    this.#context.drafted();
  }

  #failEvent(lane: Lane, waiting: Waiting, { error, of }: Failed): void {
    const { engine, pipeline } = this.#context;
    const { name, retry, onGiveUp } = pipeline.declaration;
    const draft = this.#context.draft();
    waiting.attempts += 1;
    const fault = faultOf(error);
    const { id: event, attempts: attempt, traceparent } = waiting;
    const fields = { pipeline: name, key: lane.key, event, attempt, ...fault, ...traceFields(traceparent) };
    if (waiting.attempts < retry.attempts) {
      const retryAt = engine.clock.now() + pauseMs(retry, waiting.attempts, engine.random());
      draft.counts.retries += 1;
      engine.log.warn(fields, 'attempt failed');
      this.#order.stopped(lane, draft, waiting, retryAt);
    } else {
      const event = { position: waiting.position, order: waiting.order };
      const parked = onGiveUp === 'park';
      this.#bury(lane, { kind: 'event', ...fault, attempts: waiting.attempts, event, parked }, of);
      engine.log.error(fields, parked ? 'gave up, key parked' : 'gave up, event skipped');
      if (parked) this.#order.stopped(lane, draft, waiting, null);
      else this.#order.settled(lane, draft, waiting);
      if (parked || lane.numbered) draft.change(lane);
    }
    this.#context.drafted();
  }

  #failCause(lane: Lane, cause: StoredCause, { error, of }: Failed): void {
    const { clock, log, random } = this.#context.engine;
    const { name, retry } = this.#context.pipeline.declaration;
    const draft = this.#context.draft();
    const attempts = cause.attempts + 1;
    const { reason, stack } = faultOf(error);
    const fault = { reason: `${describeCause(cause)}: ${reason}`, stack };
    const fields = { pipeline: name, key: lane.key, ...causeFields(cause), attempt: attempts, ...fault };
    if (lane.isReplaced(cause)) {
      log.warn(fields, 'attempt failed; a newer one replaces it');
    } else if (attempts < retry.attempts) {
      log.warn(fields, 'attempt failed');
      draft.counts.retries += 1;
      const failed = { ...cause, attempts, retryAt: clock.now() + pauseMs(retry, attempts, random()) };
      this.#writes.write(lane, draft, failed);
      lane.retryCause(failed);
    } else {
      this.giveUpCause(lane, { ...cause, attempts }, fault, of);
    }
    this.#context.drafted();
  }

  /** @param of the index of the timeline item that it comes from */
  #bury(lane: Lane, letter: GivenUp, of?: number): void {
    const draft = this.#context.draft();
    const { clock, newId } = this.#context.engine;
    const now = clock.now();
    const id = newId();
    draft.bury({ id, key: lane.key, failedAt: now, ...letter });
    const { kind: letterKind, reason, attempts } = letter;
    const kind = letterKind === 'gap' ? 'gap-skipped' : 'gave-up';
    const isParked = letterKind === 'event' && letter.parked;
    draft.told?.tell(lane, { kind, at: now, deadLetter: id, of, reason, attempts, parked: isParked });
    if (letter.kind !== 'event') return;
    draft.counts.failed += 1;
    if (letter.parked) draft.parked.push(id);
  }
}

/** The dead letter's description of a timer or outcome. */
function failureOf(cause: StoredCause) {
  const { dueAt } = cause;
  if (cause.kind === 'timer') return { kind: cause.kind, timer: { name: cause.name, dueAt, data: cause.data } };
  return { kind: cause.kind, outcome: { endpoint: cause.endpoint, id: cause.id, dueAt, data: cause.data } };
}
