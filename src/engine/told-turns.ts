import { reasonLengthMax, stackLengthMax } from '../fault.ts';
import { toStorableText } from '../pipeline/text.ts';
import type { Cause, Waiting } from './cause.ts';
import type { Outgoing } from './draft.ts';
import type { Lane } from './lane.ts';
import type { Telling } from './telling.ts';
import type { ToldItem } from './timeline-items.ts';
import type { TurnRecord } from './turn.ts';

/** An event that waited longer, in milliseconds, is named in full: the log may drop it long before its timeline ends. */
const plainWaitMax = 60_000;

/** Records a turn's subject and decisions, except its deliveries. Returns the index of the turn's item. */
export function tellTurn(told: Telling, lane: Lane, turn: TurnRecord, cause: Cause, sends: readonly Outgoing[]): number {
  const { now: at, durationMs } = turn;
  const of = isPlain(turn, cause) ? told.handled(lane, cause.position, { at, durationMs }) : told.tell(lane, itemOf(turn, cause));
  for (const write of turn.timerWrites) {
    if (write.kind !== 'timer') continue;
    const { name: timer, dueAt } = write;
    told.tell(lane, dueAt === null ? { kind: 'timer-cancelled', at, of, timer } : { kind: 'timer-set', at, of, timer, dueAt });
  }
  for (const { stored } of sends) told.tell(lane, { kind: 'sent', at, of, to: stored.partition.pipeline, sent: stored.id });
  return of;
}

function isPlain({ now, attempt, ignored }: TurnRecord, cause: Cause): cause is Waiting {
  return cause.kind === 'event' && attempt === 1 && ignored === undefined && now - cause.acceptedAt <= plainWaitMax;
}

function itemOf({ now: at, durationMs, attempt, ignored: reason }: TurnRecord, cause: Cause): ToldItem {
  const kind = reason === undefined ? 'handled' : 'ignored';
  return { kind, at, durationMs: tenths(durationMs), attempt, ...aboutOf(cause), reason };
}

/** Records a failed attempt. Returns the index of its item. */
export function tellFailure(
  told: Telling,
  lane: Lane,
  cause: Cause,
  failed: { readonly reason: string; readonly stack: string | null; readonly at: number; readonly durationMs: number | undefined },
): number {
  const { at, durationMs } = failed;
  const reason = toStorableText(failed.reason, reasonLengthMax);
  const stack = failed.stack && toStorableText(failed.stack, stackLengthMax);
  return told.tell(lane, { kind: 'failed', at, durationMs, attempt: cause.attempts + 1, ...aboutOf(cause), reason, stack });
}

/** Names the event, timer or outcome of a turn. */
function aboutOf(cause: Cause): object {
  if (cause.kind === 'event')
    return { event: cause.id, position: cause.position, number: cause.number ?? undefined, acceptedAt: cause.acceptedAt };
  if (cause.kind === 'timer') return { timer: cause.name, dueAt: cause.dueAt };
  return { endpoint: cause.endpoint, delivery: cause.id };
}

/** Rounds milliseconds: writing a long fraction would dominate the cost. */
function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
