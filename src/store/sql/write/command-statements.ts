import type { CommandAnswer, NewInboxRow, PartitionId, StoredCommand } from '../../store.ts';
import { Flight } from '../connection/flight.ts';
import type { Row, Statement } from '../connection/statement.ts';
import type { SqlStatements, WriteStatements } from '../statements.ts';
import { column } from './columns.ts';

/** Maximum commands per beat. */
const commandsMax = 1_000;

/**
 * Stores a command, and notifies the owner of its partition, unless that is the sender itself. Every sender clears expired commands, so
 * that nobody else needs to look for them.
 */
export function giveFlight(
  { now, leases, writes }: SqlStatements,
  { id, partition, body }: StoredCommand,
  { forMs, giver }: { readonly forMs: number; readonly giver: string },
): Flight {
  const flight = new Flight();
  writes.addExpiry(flight, now);
  flight.add({
    text: `INSERT INTO millrace_commands (id, pipeline, slice, body, until) VALUES ($1, $2, $3, $4, ${now} + $5)`,
    values: [id, partition.pipeline, partition.slice, body, forMs],
  });
  const told = leases.tellOwner(partition, giver);
  if (told !== undefined) flight.add(told);
  return flight;
}

/**
 * Returns operators' requests: unanswered commands for the owner of partitions and, without an id, the paused pipelines. A single
 * statement, since each beat runs it.
 */
export function ordersFor({ now }: SqlStatements, owner: string): Statement {
  return {
    text: `SELECT NULL, pipeline, NULL, NULL FROM millrace_pipelines WHERE paused UNION ALL (
        SELECT command.id, command.pipeline, command.slice, command.body FROM millrace_commands AS command
          JOIN millrace_fences AS fence USING (pipeline, slice)
        WHERE fence.owner = $1 AND command.answer IS NULL AND command.until > ${now} ORDER BY command.id LIMIT ${commandsMax})`,
    values: [owner],
  };
}

/** Parses the pipelines and the commands in the answer to {@link ordersFor}. */
export function toOrders(rows: readonly Row[]): { readonly paused: ReadonlySet<string>; readonly commands: readonly StoredCommand[] } {
  const isPause = ([id]: Row) => id === null;
  return {
    paused: new Set(rows.filter(isPause).map(([, pipeline]) => String(pipeline))),
    commands: rows.filter((row) => !isPause(row)).map(toCommand),
  };
}

function toCommand([id, pipeline, slice, body]: Row): StoredCommand {
  const partition: PartitionId = { pipeline: String(pipeline), slice: Number(slice) };
  return { id: String(id), partition, body: String(body) };
}

export function answersTo({ isAmong, texts }: SqlStatements, ids: readonly string[]): Statement {
  return { text: `SELECT id, answer FROM millrace_commands WHERE ${isAmong('id', '$1')}`, values: [texts(ids)] };
}

/** Commands without an answer are left out. */
export function toAnswers(rows: readonly Row[]): readonly CommandAnswer[] {
  return rows.flatMap(([id, answer]) => (answer === null ? [] : [{ id: String(id), answer: String(answer) }]));
}

/** Only the first answer to a command counts. */
export function addAnswers(flight: Flight, statements: WriteStatements, answers: readonly CommandAnswer[]): void {
  if (answers.length === 0) return;
  statements.addAnswers(flight, [column('id', 'text', answers, ({ id }) => id), column('answer', 'text', answers, ({ answer }) => answer)]);
}

/** Each gets its own place, in order. */
export function addInboxRows(flight: Flight, statements: WriteStatements, rows: readonly NewInboxRow[]): void {
  if (rows.length === 0) return;
  statements.addInsert(flight, 'millrace_inbox', [
    column('pipeline', 'text', rows, ({ pipeline }) => pipeline),
    column('event', 'text', rows, ({ event }) => event),
    column('id', 'text', rows, ({ id }) => id),
    column('traceparent', 'text', rows, ({ traceparent }) => traceparent),
  ]);
}
