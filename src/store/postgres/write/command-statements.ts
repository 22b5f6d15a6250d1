import type { CommandAnswer, NewInboxRow, PartitionId, StoredCommand } from '../../store.ts';
import { texts } from '../connection/binary-arrays.ts';
import { Flight } from '../connection/flight.ts';
import { asOfOne } from '../connection/lookups.ts';
import type { Row, Statement } from '../connection/statement.ts';
import { channelPrefix, rollChanged } from '../lease/channels.ts';

/** Commands that a beat answers at most. */
const commandsMax = 1_000;

/**
 * Keeps a command, and tells the owner of its partition, unless that is the one that gives it. Whoever gives one clears away those that nobody waits
 * for any more, so that nobody need look for them.
 */
export function giveFlight({ id, partition: { pipeline, slice }, body }: StoredCommand, forMs: number, giver: string): Flight {
  const flight = new Flight();
  flight.add({ text: 'DELETE FROM millrace_commands WHERE until <= millrace_now()', values: [] });
  flight.add({
    text: 'INSERT INTO millrace_commands (id, pipeline, slice, body, until) VALUES ($1, $2, $3, $4, millrace_now() + $5::int8)',
    values: [id, pipeline, slice, body, forMs],
  });
  flight.add({
    text: `SELECT pg_notify('${channelPrefix}' || owner, '${rollChanged}') FROM millrace_fences
      WHERE pipeline = $1 AND slice = $2 AND owner <> $3`,
    values: [pipeline, slice, giver],
  });
  return flight;
}

/** What operators want: the commands that the owner of partitions has not answered yet, and, without an id, the pipelines that are paused. In one statement, since each beat asks for it. */
export function ordersFor(owner: string): Statement {
  return {
    text: `SELECT NULL, pipeline, NULL::int4, NULL FROM millrace_pipelines WHERE paused UNION ALL (
        SELECT command.id, command.pipeline, command.slice, command.body FROM millrace_commands AS command
          JOIN millrace_fences AS fence USING (pipeline, slice)
        WHERE fence.owner = $1 AND command.answer IS NULL AND command.until > millrace_now() ORDER BY command.id LIMIT ${commandsMax})`,
    values: [owner],
  };
}

/** The pipelines and the commands in the answer to {@link ordersFor}. */
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

export function answersTo(ids: readonly string[]): Statement {
  return { text: 'SELECT id, answer FROM millrace_commands WHERE id = ANY ($1::text[])', values: [texts(ids)] };
}

export function withdrawal(ids: readonly string[]): Statement {
  return { text: 'DELETE FROM millrace_commands WHERE id = ANY ($1::text[]) RETURNING id, answer', values: [texts(ids)] };
}

/** Of commands that have no answer there is nothing to say. */
export function toAnswers(rows: readonly Row[]): readonly CommandAnswer[] {
  return rows.flatMap(([id, answer]) => (answer === null ? [] : [{ id: String(id), answer: String(answer) }]));
}

/** The first answer to a command counts. */
export function addAnswers(flight: Flight, answers: readonly CommandAnswer[]): void {
  if (answers.length === 0) return;
  flight.add({
    text: `UPDATE millrace_commands AS command SET answer = given.answer FROM unnest($1::text[], $2::text[]) AS given (id, answer)
      WHERE command.id = given.id AND command.answer IS NULL AND ${asOfOne('given.id', "|| ''")}`,
    values: [texts(answers.map(({ id }) => id)), texts(answers.map(({ answer }) => answer))],
  });
}

/** Each gets a place of its own, in their order. */
export function addInboxRows(flight: Flight, rows: readonly NewInboxRow[]): void {
  if (rows.length === 0) return;
  flight.add({
    text: `INSERT INTO millrace_inbox (pipeline, event, id, traceparent)
      SELECT pipeline, event, id, traceparent FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
        WITH ORDINALITY AS new (pipeline, event, id, traceparent, nth) ORDER BY nth`,
    values: [
      texts(rows.map(({ pipeline }) => pipeline)),
      texts(rows.map(({ event }) => event)),
      texts(rows.map(({ id }) => id)),
      texts(rows.map(({ traceparent }) => traceparent)),
    ],
  });
}
