import { randomInt } from 'node:crypto';
import { MillraceError, messageOf } from '../../../errors.ts';
import type { Appended, InboxTaken, InboxTaking, NewEvent, PartitionId } from '../../store.ts';
import { bigints, texts } from '../connection/binary-arrays.ts';
import type { Connections, Transaction } from '../connection/connections.ts';
import { Flight, type StatementResult } from '../connection/flight.ts';
import { fencedState, stateOf } from '../connection/postgres-errors.ts';
import type { Statement } from '../connection/statement.ts';
import { addAppends, lockHeads, partitionsOf } from './append-statements.ts';
import type { AppendListener } from './appends.ts';
import { addDeadLetters, fence } from './commit-statements.ts';

/** How long the database waits for the next statement: a process that is cut off in the middle keeps nobody waiting for its locks. In milliseconds. */
const idleMs = 2_000;
/** Bound of the number that appended rows have; nobody looks for these. */
const flightIds = 2 ** 48 - 1;

/** The lease under which rows are taken: a partition, and the epoch of its claim. */
interface Leased {
  readonly partition: PartitionId;
  readonly epoch: number;
}

/** What rows are taken with. */
export interface InboxTakeMeans extends Leased {
  readonly connections: Connections;
  readonly listener: AppendListener;
}

/** A row that is there, and is this transaction's. */
type Found = { readonly place: number; readonly pipeline: string };

/**
 * Takes rows of the inbox, with their events or dead letters, in one transaction. What is to be appended depends on which rows are still
 * there, so it takes several round trips. Two processes that take the same rows wait for each other at the first of them, since rows are
 * locked in their order; the second one finds none of them. When an answer is lost nothing has to be found out: the inbox says what is left.
 */
export async function takeInbox(
  { connections, listener, ...under }: InboxTakeMeans,
  takings: readonly InboxTaking[],
): Promise<readonly InboxTaken[]> {
  try {
    const { taken, owners } = await connections.writing((transaction) => take(transaction, under, takings));
    for (const [partition, owner] of owners) listener.grown(partition, owner);
    return taken;
  } catch (error) {
    if (stateOf(error) !== fencedState) throw error;
    throw new MillraceError('MILL_STORE_FENCED', messageOf(error), { cause: error });
  }
}

async function take(transaction: Transaction, under: Leased, takings: readonly InboxTaking[]) {
  const rowOf = (taking: InboxTaking): Found => {
    const { pipeline } = 'event' in taking ? taking.event.partition : under.partition;
    return { place: taking.place, pipeline };
  };
  await transaction.run({ text: `SET LOCAL idle_in_transaction_session_timeout = ${idleMs}`, values: [] });
  await transaction.run(fence([under]));
  const found = await lockRows(transaction, takings.map(rowOf));
  const isThere = (taking: InboxTaking) => found.has(nameOf(rowOf(taking)));
  const there = takings.filter(isThere);
  const events = there.flatMap((taking) => ('event' in taking ? [taking.event] : []));
  const { appended, owners } = await append(transaction, events);
  await bury(transaction, under.partition, there);
  const verdicts = new Map(events.map((event, at) => [event, appended[at]]));
  const takenOf = (taking: InboxTaking): InboxTaken => {
    if (!isThere(taking)) return { status: 'gone' };
    return 'event' in taking ? (verdicts.get(taking.event) ?? { status: 'gone' }) : { status: 'buried' };
  };
  const taken = takings.map(takenOf);
  const done = takings.filter((_, at) => taken[at]?.status !== 'gone' && taken[at]?.status !== 'late');
  if (done.length > 0) await transaction.run(onRows('DELETE FROM millrace_inbox WHERE', done.map(rowOf)));
  return { taken, owners };
}

async function lockRows({ run }: Transaction, places: readonly Found[]): Promise<ReadonlySet<string>> {
  const { rows } = await run(onRows('SELECT pipeline, place FROM millrace_inbox WHERE', places, 'ORDER BY pipeline, place FOR UPDATE'));
  return new Set(rows.map(([pipeline, place]) => nameOf({ pipeline: String(pipeline), place: Number(place) })));
}

async function append(transaction: Transaction, events: readonly NewEvent[]) {
  const owners: [PartitionId, string | null][] = [];
  if (events.length === 0) return { appended: [] as readonly Appended[], owners };
  const { rows } = await transaction.run(lockHeads(partitionsOf(events)));
  for (const [pipeline, slice, owner] of rows) owners.push([{ pipeline: String(pipeline), slice: Number(slice) }, owner as string | null]);
  const flight = new Flight();
  const appended = addAppends(flight, events, randomInt(flightIds));
  await runAll(transaction, flight);
  return { appended, owners };
}

async function bury(transaction: Transaction, partition: PartitionId, takings: readonly InboxTaking[]): Promise<void> {
  const letters = takings.flatMap((taking) => ('letter' in taking ? [{ partition, item: taking.letter }] : []));
  const flight = new Flight();
  addDeadLetters(flight, letters);
  await runAll(transaction, flight);
}

/** One statement behind the other; what is made of the answers holds if the transaction commits. */
async function runAll({ run }: Transaction, flight: Flight): Promise<void> {
  const results: StatementResult[] = [];
  for (const statement of flight.statements) results.push(await run(statement));
  flight.committed(results);
}

function nameOf({ place, pipeline }: Found): string {
  return `${place} ${pipeline}`;
}

function onRows(verb: string, rows: readonly Found[], order = ''): Statement {
  return {
    text: `${verb} (pipeline, place) IN (SELECT * FROM unnest($1::text[], $2::int8[])) ${order}`,
    values: [texts(rows.map(({ pipeline }) => pipeline)), bigints(rows.map(({ place }) => place))],
  };
}
