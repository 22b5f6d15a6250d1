import type { Appended, NewDeadLetter, NewEvent, PartitionId } from '../../store.ts';
import { type Connections, runFlight, type Transaction } from '../connection/connections.ts';
import { Flight } from '../connection/flight.ts';
import type { Leased, WriteStatements } from '../statements.ts';
import type { AppendListener } from './appends.ts';
import { CommitParts } from './commit-parts.ts';
import { newFlightId } from './flight-id.ts';
import { partitionsOf } from './partitions-of.ts';

/**
 * Time that the database waits for the next statement, so that a process cut off in the middle does not keep its locks. In milliseconds.
 */
export const idleMs = 2_000;

/** The dependencies for taking rows or records in several round trips, including the lease. */
export interface TakeMeans extends Leased {
  readonly connections: Connections;
  readonly statements: WriteStatements;
  readonly listener: AppendListener;
}

/** The transaction in which rows or records are taken. */
export interface Taking extends Transaction {
  readonly statements: WriteStatements;
}

export async function append(transaction: Taking, events: readonly NewEvent[]) {
  const owners: [PartitionId, string | null][] = [];
  if (events.length === 0) return { appended: [] as readonly Appended[], owners };
  const { statements } = transaction;
  const appended = await fly(transaction, (flight) => {
    statements.addHeadLocks(flight, partitionsOf(events), (partition, owner) => owners.push([partition, owner]));
    return statements.addAppends(flight, events, newFlightId());
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
