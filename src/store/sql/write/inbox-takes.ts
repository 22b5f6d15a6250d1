import { randomInt } from 'node:crypto';
import type { Appended, InboxTaken, InboxTaking, NewDeadLetter, NewEvent, PartitionId } from '../../store.ts';
import { type Connections, runFlight, type Transaction } from '../connection/connections.ts';
import { Flight } from '../connection/flight.ts';
import { fenced } from '../lease/fenced.ts';
import type { InboxPlace, Leased, WriteStatements } from '../statements.ts';
import type { AppendListener } from './appends.ts';
import { CommitParts } from './commit-parts.ts';
import { partitionsOf } from './partitions-of.ts';

/**
 * Time that the database waits for the next statement, so that a process cut off in the middle does not keep its locks. In milliseconds.
 */
export const idleMs = 2_000;
/** Upper limit of the number of appended rows; nobody looks for these. */
const flightIds = 2 ** 48 - 1;

/** The dependencies for taking rows, including the lease. */
export interface InboxTakeMeans extends Leased {
  readonly connections: Connections;
  readonly statements: WriteStatements;
  readonly listener: AppendListener;
}

/** The transaction in which rows are taken. */
export interface Taking extends Transaction {
  readonly statements: WriteStatements;
}

/**
 * Takes rows of the inbox, with their events or dead letters, in one transaction. The rows to append depend on which ones still exist, so
 * it needs several round trips. Two processes that take the same rows wait for each other at the first row, since rows are locked in order;
 * the second finds none of them. A lost answer needs no investigation: the inbox shows what is left.
 */
export async function takeInbox(
  { connections, statements, listener, ...under }: InboxTakeMeans,
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

export async function append(transaction: Taking, events: readonly NewEvent[]) {
  const owners: [PartitionId, string | null][] = [];
  if (events.length === 0) return { appended: [] as readonly Appended[], owners };
  const { statements } = transaction;
  const appended = await fly(transaction, (flight) => {
    statements.addHeadLocks(flight, partitionsOf(events), (partition, owner) => owners.push([partition, owner]));
    return statements.addAppends(flight, events, randomInt(flightIds));
  });
  return { appended, owners };
}

export async function bury(transaction: Taking, partition: PartitionId, buried: readonly NewDeadLetter[]): Promise<void> {
  const letters = buried.map((item) => ({ partition, item }));
  await fly(transaction, (flight) => new CommitParts(flight, transaction.statements).addDeadLetters(letters));
}

/** Runs a flight's statements within the transaction. */
export async function fly<T>(transaction: Taking, add: (flight: Flight) => T): Promise<T> {
  const flight = new Flight();
  const added = add(flight);
  await runFlight(transaction, flight);
  return added;
}

function nameOf({ place, pipeline }: InboxPlace): string {
  return `${place} ${pipeline}`;
}
