import type { Flight, StatementResult } from '../../sql/connection/flight.ts';
import type { Parameter } from '../../sql/connection/statement.ts';
import type { Changed, InboxPlace, Upsert, WriteStatements } from '../../sql/statements.ts';
import { type Column, type ColumnKind, rowsOf } from '../../sql/write/columns.ts';
import type { KnownLines, Line } from '../../sql/write/line-floors.ts';
import { quote, quoteAll } from '../../tables/sql-text.ts';
import { bigints, booleans, bytes, integers, texts } from '../connection/binary-arrays.ts';
import { among, asOfOne, byPrimaryKey, onRows } from '../connection/lookups.ts';
import { addAppends, addHeadLocks, logged } from './append-statements.ts';
import { asking, lineUp, retry } from './delivery-statements.ts';
import { pruneFlight } from './prune-statements.ts';

const types: Readonly<Record<ColumnKind, string>> = { text: 'text', int8: 'int8', int4: 'int4', bool: 'bool', bytes: 'bytea' };

function toArray({ kind, values }: Column): Parameter {
  switch (kind) {
    case 'text':
      return texts(values as readonly (string | null)[]);
    case 'int8':
      return bigints(values as readonly (number | null)[]);
    case 'int4':
      return integers(values as readonly number[]);
    case 'bool':
      return booleans(values as readonly boolean[]);
    case 'bytes':
      return bytes(values as readonly Buffer[]);
  }
}

/** Returns columns as parameters, in order. */
function toArrays(columns: readonly Column[]): readonly Parameter[] {
  return columns.map(toArray);
}

function namesOf(columns: readonly Column[]): readonly string[] {
  return columns.map(({ name }) => name);
}

/** Returns the source of the rows of such columns. */
function unnest(columns: readonly Column[]): string {
  return `unnest(${columns.map(({ kind }, at) => `$${at + 1}::${types[kind]}[]`).join(', ')})`;
}

function insertText(table: string, columns: readonly Column[]): string {
  return `INSERT INTO ${table} (${quoteAll(namesOf(columns))}) SELECT * FROM ${unnest(columns)}`;
}

/** Reports the partitions of the rows that a statement returns, whose first columns they are. */
function telling(changed: Changed | undefined, byOf: (row: readonly unknown[]) => number) {
  if (changed === undefined) return undefined;
  return ({ rows }: StatementResult) => {
    for (const row of rows) changed({ pipeline: String(row[0]), slice: Number(row[1]) }, byOf(row));
  };
}

export const writeStatements: WriteStatements = {
  addHeadLocks,
  addAppends,
  logged,

  addFence(flight, leases) {
    flight.add({
      text: 'SELECT millrace_fence($1::text[], $2::int4[], $3::int8[])',
      values: [
        texts(leases.map(({ partition }) => partition.pipeline)),
        integers(leases.map(({ partition }) => partition.slice)),
        bigints(leases.map(({ epoch }) => epoch)),
      ],
    });
  },

  addInsert(flight, table, columns) {
    const names = namesOf(columns);
    const text = `INSERT INTO ${table} (${quoteAll(names)})
      SELECT ${quoteAll(names)} FROM ${unnest(columns)} WITH ORDINALITY AS new (${quoteAll(names)}, nth) ORDER BY nth`;
    flight.add({ text, values: toArrays(columns) });
  },

  addMissing(flight, table, columns) {
    flight.add({ text: `${insertText(table, columns)} ON CONFLICT DO NOTHING`, values: toArrays(columns) });
  },

  /** A row inserted by an upsert has no `xmax`; an updated one has the transaction that locked it. */
  addUpsert(flight: Flight, { table, key, columns, changed }: Upsert, added?: Changed) {
    const set = changed ?? namesOf(columns).filter((name) => !key.includes(name));
    const text = `${insertText(table, columns)} ON CONFLICT (${quoteAll(key)})
      DO UPDATE SET ${set.map((name) => `${quote(name)} = excluded.${quote(name)}`).join(', ')}
      ${added === undefined ? '' : 'RETURNING pipeline, slice, (xmax = 0) AS is_new'}`;
    flight.add(
      { text, values: toArrays(columns) },
      telling(added, ([, , isNew]) => Number(isNew)),
    );
  },

  addRemoval(flight, table, columns, removed) {
    const text = `DELETE FROM ${table} WHERE ${goneRows(table, columns)} ${removed === undefined ? '' : 'RETURNING pipeline, slice'}`;
    flight.add(
      { text, values: toArrays(columns) },
      telling(removed, () => -1),
    );
  },

  addReleases(flight, columns) {
    flight.add({ text: released, values: toArrays(columns) });
  },

  /** A gap is no longer listed, but its numbers stay known as skipped. */
  addResolutions(flight, ids) {
    const values = [texts(ids)];
    flight.add({ text: 'DELETE FROM millrace_dead_letters WHERE id = ANY ($1::text[]) AND number_from IS NULL', values });
    flight.add({ text: 'UPDATE millrace_dead_letters SET resolved = true WHERE id = ANY ($1::text[]) AND NOT resolved', values });
  },

  addRetries(flight, columns) {
    flight.add({ text: retry, values: toArrays(columns) });
  },

  addAsks(flight, columns, added, known) {
    flight.add(
      { text: asking, values: [...toArrays([...columns, floorsOf(columns, known)]), known.run] },
      telling(added, () => 1),
    );
  },

  addLineUp(flight, columns, known) {
    const lines = linesOf(columns);
    flight.add({ text: lineUp, values: [...toArrays([...columns, floorsOf(columns, known)]), known.run] }, ({ rows }) => {
      for (const [at, place, run] of rows) {
        const line = lines[Number(at) - 1];
        if (line !== undefined) known.begins(line, Number(place), Number(run));
      }
    });
  },

  addAnswers(flight, columns) {
    const text = `UPDATE millrace_commands AS command SET answer = given.answer FROM unnest($1::text[], $2::text[]) AS given (id, answer)
      WHERE command.id = given.id AND command.answer IS NULL AND ${asOfOne('given.id', ["|| ''"])}`;
    flight.add({ text, values: toArrays(columns) });
  },

  addWithdrawal(flight, ids, withdrawn) {
    const text = 'DELETE FROM millrace_commands WHERE id = ANY ($1::text[]) RETURNING id, answer';
    flight.add({ text, values: [texts(ids)] }, ({ rows }) => withdrawn(rows));
  },

  inboxLock: (rows) => ({
    text: `SELECT pipeline, place FROM millrace_inbox WHERE ${ofInbox} ORDER BY pipeline, place FOR UPDATE`,
    values: inboxPlaces(rows),
  }),

  inboxRemoval: (rows) => ({ text: `DELETE FROM millrace_inbox WHERE ${ofInbox}`, values: inboxPlaces(rows) }),

  prune: pruneFlight,

  addExpiry: (flight, now) => flight.add({ text: `DELETE FROM millrace_commands WHERE until <= ${now}`, values: [] }),

  removePiece: (table, rows) =>
    `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${table} WHERE pipeline = $1 LIMIT ${rows}))`,
};

/** Returns the lines of deliveries, whose first columns are pipelines, slices, endpoints and keys. */
function linesOf(columns: readonly Column[]): readonly Line[] {
  return rowsOf(columns.slice(0, 4)).map(([pipeline, slice, endpoint, key]) => ({
    partition: { pipeline: String(pipeline), slice: Number(slice) },
    endpoint: String(endpoint),
    key: String(key),
  }));
}

function floorsOf(columns: readonly Column[], known: KnownLines): Column {
  return { name: 'floor', kind: 'int8', values: linesOf(columns).map((line) => known.floorOf(line)) };
}

const ofInbox = '(pipeline, place) IN (SELECT * FROM unnest($1::text[], $2::int8[]))';

function inboxPlaces(rows: readonly InboxPlace[]): readonly Parameter[] {
  return [texts(rows.map(({ pipeline }) => pipeline)), bigints(rows.map(({ place }) => place))];
}

/** For timers and outcomes another index begins with some of the primary key's columns. */
function goneRows(table: string, columns: readonly Column[]): string {
  const names = namesOf(columns);
  const asked = { from: unnest(columns), columns: names };
  if (table !== 'millrace_causes') return among(table, asked);
  return onRows(`${asked.from} AS asked (${names.join(', ')})`, byPrimaryKey('millrace_causes', ['pipeline', 'slice', 'key', 'name_hash']));
}

const released = `DELETE FROM millrace_held WHERE ${onRows(
  'unnest($1::text[], $2::int4[], $3::text[], $4::int8[], $5::int8[]) AS release (pipeline, slice, key, "from", "to")',
  `SELECT ctid FROM millrace_held WHERE pipeline = release.pipeline AND slice = release.slice AND key = release.key
    AND "order" BETWEEN release."from" AND release."to" OFFSET 0`,
)}`;
