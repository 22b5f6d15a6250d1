import type { AttemptResult } from './attempt.ts';
import { type Cause, nameOf } from './cause.ts';
import type { CauseWrites } from './cause-writes.ts';
import type { Draft, Outgoing } from './draft.ts';
import type { TenureContext } from './engine-context.ts';
import type { Lane } from './lane.ts';
import { flowFor } from './outbox/flow-for.ts';
import { isDecided } from './outbox/outcome.ts';
import { tellTurn } from './told-turns.ts';
import type { DeliveryEffect, TurnRecord } from './turn.ts';
import type { TurnOrder } from './turn-order.ts';

/** Puts a turn's decisions into the draft as a whole, or reruns the turn once there is room for the events it sends. */
export class Decisions {
  readonly #context: TenureContext;
  readonly #writes: CauseWrites;
  readonly #order: TurnOrder;

  constructor(context: TenureContext, writes: CauseWrites, order: TurnOrder) {
    this.#context = context;
    this.#writes = writes;
    this.#order = order;
  }

  /** Takes the decisions of a lane's turn. */
  take(lane: Lane, turn: TurnRecord, cause: Cause, decided: AttemptResult & { readonly ok: true }): void {
    const full = this.#takeRoom(cause, decided.sends);
    if (full === undefined) this.#draft(lane, turn, cause, decided);
    else this.#throttle(lane, cause, full);
  }

  /** Returns a pipeline that lacks room for the events the turn sends to it, if any. */
  #takeRoom(cause: Cause, sends: readonly Outgoing[]): string | undefined {
    if (sends.length === 0) return undefined;
    const { engine, pipeline } = this.#context;
    return engine.room.take({ pipeline: pipeline.declaration.name, settlesEvent: cause.kind === 'event' }, sends);
  }

  /** Not counted as an attempt. A timer or outcome that was rewritten meanwhile needs no other turn. */
  #throttle(lane: Lane, cause: Cause, to: string): void {
    if (cause.kind !== 'event' && lane.isReplaced(cause)) return;
    this.#order.throttled(lane, this.#context.draft(), cause, to);
    this.#context.drafted();
  }

  #draft(lane: Lane, turn: TurnRecord, cause: Cause, decided: AttemptResult & { readonly ok: true }): void {
    const draft = this.#context.draft();
    if (decided.stored !== undefined) lane.moveState(decided.next, decided.stored);
    if (decided.stored) draft.addState(decided.stored.json);
    this.#settle(lane, draft, cause);
    for (const row of turn.rows) draft.addRow(row);
    for (const send of decided.sends) draft.send(send);
    for (const write of turn.timerWrites) this.#writes.write(lane, draft, write);
    const of = draft.told && tellTurn(draft.told, lane, turn, cause, decided.sends);
    for (const delivery of turn.deliveries) this.#ask(lane, draft, turn, delivery, of);
    if (turn.ignored !== undefined) {
      draft.counts.ignored += 1;
      turn.log.debug('ignored', { reason: turn.ignored });
    }
    if (lane.numbered || decided.stored !== undefined) draft.change(lane);
    draft.turns += 1;
    this.#context.drafted();
  }

  #settle(lane: Lane, draft: Draft, cause: Cause): void {
    draft.cause ??= cause;
    draft.causeKey ??= lane.key;
    if (cause.kind !== 'event') {
      if (!lane.isReplaced(cause)) this.#writes.write(lane, draft, { ...nameOf(cause), dueAt: null });
      return;
    }
    this.#order.settled(lane, draft, cause);
    draft.counts.processed += 1;
    draft.counts.acceptedAtTotal += cause.acceptedAt;
    draft.acceptedAt.push(cause.acceptedAt);
  }

  /** Skips a delivery that already has an outcome, if its key has not been notified yet. */
  #ask(lane: Lane, draft: Draft, turn: TurnRecord, effect: DeliveryEffect, of: number | undefined): void {
    const { engine, pipeline } = this.#context;
    const { endpoint, body, url = null, id = engine.newId() } = effect;
    const untold = lane.causeOf({ kind: 'outcome', key: lane.key, endpoint, id });
    if (untold?.kind === 'outcome' && isDecided(untold)) {
      turn.log.warn('not delivered again: there is an outcome that the key has not handled yet', { endpoint, delivery: id });
      return;
    }
    const { name, deliver } = pipeline.declaration;
    const declared = deliver[endpoint];
    const { now, traceparent = null } = turn;
    const asked = { id, key: lane.key, endpoint, body, url, askedAt: now };
    const flow = flowFor(asked, declared, { pipeline: name, log: engine.log });
    const delivery = { ...asked, flow, ordered: declared?.isOrdered ?? false, traceparent, attempts: 0, dueAt: now };
    draft.deliver({ write: 'ask', delivery });
    draft.told?.tell(lane, { kind: 'delivery-asked', at: now, of, endpoint, delivery: id });
  }
}
