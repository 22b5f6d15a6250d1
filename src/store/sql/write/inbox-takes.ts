import type { InboxTaken, InboxTaking } from '../../store.ts';
import { fenced } from '../lease/fenced.ts';
import type { InboxPlace, Leased } from '../statements.ts';
import { append, bury, fly, idleMs, type TakeMeans, type Taking } from './take-steps.ts';

/**
 * Takes rows of the inbox, with their events or dead letters, in one transaction. The rows to append depend on which ones still exist, so
 * it needs several round trips. Two processes that take the same rows wait for each other at the first row, since rows are locked in order;
 * the second finds none of them. A lost answer needs no investigation: the inbox shows what is left.
 */
export async function takeInbox(
  { connections, statements, listener, ...under }: TakeMeans,
  takings: readonly InboxTaking[],
): Promise<readonly InboxTaken[]> {
  try {
    const { taken, owners } = await connections.writing(({ run }) => take({ run, statements }, under, takings), { idleMs });
    for (const [partition, owner] of owners) listener.grown(partition, owner);
    return taken;
  } catch (error) {
    if (!connections.errors.isFenced(error)) throw error;
    throw fenced(under.partition, error);
  }
}

async function take(transaction: Taking, under: Leased, takings: readonly InboxTaking[]) {
  const rowOf = (taking: InboxTaking): InboxPlace => {
    const { pipeline } = 'event' in taking ? taking.event.partition : under.partition;
    return { place: taking.place, pipeline };
  };
  await fly(transaction, (flight) => transaction.statements.addFence(flight, [under]));
  const found = await lockRows(transaction, takings.map(rowOf));
  const isThere = (taking: InboxTaking) => found.has(nameOf(rowOf(taking)));
  const there = takings.filter(isThere);
  const events = there.flatMap((taking) => ('event' in taking ? [taking.event] : []));
  const { appended, owners } = await append(transaction, events);
  await bury(
    transaction,
    under.partition,
    there.flatMap((taking) => ('letter' in taking ? [taking.letter] : [])),
  );
  const verdicts = new Map(events.map((event, at) => [event, appended[at]]));
  const takenOf = (taking: InboxTaking): InboxTaken => {
    if (!isThere(taking)) return { status: 'gone' };
    return 'event' in taking ? (verdicts.get(taking.event) ?? { status: 'gone' }) : { status: 'buried' };
  };
  const taken = takings.map(takenOf);
  const done = takings.filter((_, at) => taken[at]?.status !== 'gone' && taken[at]?.status !== 'late');
  if (done.length > 0) await transaction.run(transaction.statements.inboxRemoval(done.map(rowOf)));
  return { taken, owners };
}

async function lockRows(transaction: Taking, places: readonly InboxPlace[]): Promise<ReadonlySet<string>> {
  const { rows } = await transaction.run(transaction.statements.inboxLock(places));
  return new Set(rows.map(([pipeline, place]) => nameOf({ pipeline: String(pipeline), place: Number(place) })));
}

function nameOf({ place, pipeline }: InboxPlace): string {
  return `${place} ${pipeline}`;
}
