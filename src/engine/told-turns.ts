import { reasonLengthMax, stackLengthMax } from '../fault.ts';
import { toStorableText } from '../pipeline/text.ts';
import type { Cause } from './cause.ts';
import type { Draft, Outgoing } from './draft.ts';
import type { Lane } from './lane.ts';
import type { ToldItem } from './timeline-items.ts';
import type { TurnRecord } from './turn.ts';

/** Records a turn's subject and decisions, except its deliveries. Returns the index of the turn's item. */
export function tellTurn(draft: Draft, lane: Lane, turn: TurnRecord, cause: Cause, sends: readonly Outgoing[]): number {
  const { key } = lane;
  const { now: at, durationMs, attempt, ignored } = turn;
  // Most turns are of events and have no other effect: for these only the recorded object is created.
  const kind = ignored === undefined ? 'handled' : 'ignored';
  const item: ToldItem =
    cause.kind === 'event'
      ? {
          kind,
          at,
          durationMs: tenths(durationMs),
          attempt,
          event: cause.id,
          position: cause.position,
          number: cause.number ?? undefined,
          acceptedAt: cause.acceptedAt,
          reason: ignored,
        }
      : { kind, at, durationMs: tenths(durationMs), attempt, ...aboutOf(cause), reason: ignored };
  const of = draft.tell(key, item, lane);
  for (const write of turn.timerWrites) {
    if (write.kind !== 'timer') continue;
    const { name: timer, dueAt } = write;
    draft.tell(key, dueAt === null ? { kind: 'timer-cancelled', at, of, timer } : { kind: 'timer-set', at, of, timer, dueAt }, lane);
  }
  for (const { stored } of sends) draft.tell(key, { kind: 'sent', at, of, to: stored.partition.pipeline, sent: stored.id }, lane);
  return of;
}

/** Records a failed attempt. */
export function tellFailure(
  draft: Draft,
  lane: Lane,
  cause: Cause,
  failed: { readonly reason: string; readonly stack: string | null; readonly at: number; readonly durationMs: number | undefined },
): void {
  const { at, durationMs } = failed;
  const reason = toStorableText(failed.reason, reasonLengthMax);
  const stack = failed.stack && toStorableText(failed.stack, stackLengthMax);
  draft.tell(lane.key, { kind: 'failed', at, durationMs, attempt: cause.attempts + 1, ...aboutOf(cause), reason, stack }, lane);
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
