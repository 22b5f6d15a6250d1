import { reasonLengthMax, stackLengthMax } from '../fault.ts';
import { toStorableText } from '../pipeline/text.ts';
import type { Cause } from './cause.ts';
import type { Draft, Outgoing } from './draft.ts';
import type { Lane } from './lane.ts';
import type { TurnRecord } from './turn.ts';

/** Tells what a turn was about and what it has decided. */
export function tellTurn(draft: Draft, lane: Lane, turn: TurnRecord, cause: Cause, sends: readonly Outgoing[]): void {
  const { key } = lane;
  const { now: at, durationMs, attempt, ignored } = turn;
  const about = aboutOf(cause);
  const kind = ignored === undefined ? 'handled' : 'ignored';
  const of = draft.tell(key, { kind, at, durationMs, attempt, ...about, ...(ignored !== undefined && { reason: ignored }) }, lane);
  for (const write of turn.timerWrites) {
    if (write.kind !== 'timer') continue;
    const { name: timer, dueAt } = write;
    draft.tell(key, dueAt === null ? { kind: 'timer-cancelled', at, of, timer } : { kind: 'timer-set', at, of, timer, dueAt }, lane);
  }
  for (const { stored } of sends) draft.tell(key, { kind: 'sent', at, of, to: stored.partition.pipeline, sent: stored.id }, lane);
  for (const { endpoint, id } of turn.deliveries) draft.tell(key, { kind: 'delivery-asked', at, of, endpoint, delivery: id }, lane);
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
