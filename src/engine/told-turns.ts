import { reasonLengthMax, stackLengthMax } from '../fault.ts';
import { toStorableText } from '../pipeline/text.ts';
import type { Cause } from './cause.ts';
import type { Draft, Outgoing } from './draft.ts';
import type { Lane } from './lane.ts';
import type { ToldItem } from './timeline-items.ts';
import type { TurnRecord } from './turn.ts';

/** Tells what a turn was about and what it has decided, but for its deliveries. Returns the place of the turn. */
export function tellTurn(draft: Draft, lane: Lane, turn: TurnRecord, cause: Cause, sends: readonly Outgoing[]): number {
  const { key } = lane;
  const { now: at, durationMs, attempt, ignored } = turn;
  // Most turns are of events and have no other effect: no object is made for these but the one that is told.
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

/** Tells of an attempt that has failed. */
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

/** Names the event, the timer or the outcome that a turn is of. */
function aboutOf(cause: Cause): object {
  if (cause.kind === 'event')
    return { event: cause.id, position: cause.position, number: cause.number ?? undefined, acceptedAt: cause.acceptedAt };
  if (cause.kind === 'timer') return { timer: cause.name, dueAt: cause.dueAt };
  return { endpoint: cause.endpoint, delivery: cause.id };
}

/** Rounds milliseconds: a long fraction takes longer to write than all else. */
function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
