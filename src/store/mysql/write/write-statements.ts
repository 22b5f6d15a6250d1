import type { Flight } from '../../sql/connection/flight.ts';
import type { Changed, InboxPlace, Upsert, WriteStatements } from '../../sql/statements.ts';
import { type Column, rowsOf } from '../../sql/write/columns.ts';
import { quote } from '../../tables/sql-text.ts';
import { fenceLimit } from '../connection/mysql-errors.ts';
import { isSame, jsonOf, jsonTable, listed, listOf, storedAs } from '../read/json-rows.ts';
import { addAppends, addHeadLocks, logged } from './append-statements.ts';
import { addCount, indexOf } from './counts.ts';
import { addAsks, addLineUp } from './delivery-statements.ts';
import { addDeletion } from './found-rows.ts';
import { insertsOf, replacing, withOriginHash } from './inserts.ts';
import { pruneFlight } from './prune-statements.ts';
import { removePiece } from './remove-piece.ts';

/** Columns of a delivery's last failure: a text of any length, and a moment. Both stay where no call has failed. */
const ofFailure: ReadonlySet<string> = new Set(['failure', 'failed_at']);
const endless: ReadonlySet<string> = new Set(['failure']);

export const writeStatements: WriteStatements = {
  addHeadLocks,
  addAppends,
  logged,

  /**
   * The first statement locks the fences. The second fails for a different epoch by means of a number out of range, since a statement
   * cannot raise a custom error.
   */
  addFence(flight, leases) {
    const own = leases.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    const json = JSON.stringify(own.map(({ partition: { pipeline, slice }, epoch }) => [pipeline, slice, epoch]));
    const columns = [
      { name: 'pipeline', kind: 'text' },
      { name: 'slice', kind: 'int4' },
    ] as const;
    const given = `${jsonTable('$1', [...columns, { name: 'epoch', kind: 'int8' }])} AS own`;
    flight.add({
      text: `SELECT fence.epoch FROM ${given} STRAIGHT_JOIN millrace_fences AS fence FORCE INDEX (PRIMARY) ON ${isSame('fence', 'own', columns)}
        FOR UPDATE`,
      values: [json],
    });
    flight.add({
      text: `SELECT ${fenceLimit} + COUNT(*) FROM ${given} LEFT JOIN millrace_fences AS fence FORCE INDEX (PRIMARY) ON ${isSame('fence', 'own', columns)}
        WHERE NOT (fence.epoch <=> own.epoch)`,
      values: [json],
    });
  },

  addInsert(flight, table, columns) {
    for (const statement of insertsOf(table, withOriginHash(columns))) flight.add(statement);
  },

  addMissing(flight, table, columns) {
    const [first] = columns;
    if (first === undefined) return;
    for (const statement of insertsOf(table, columns, `ON DUPLICATE KEY UPDATE ${quote(first.name)} = VALUES(${quote(first.name)})`))
      flight.add(statement);
  },

  addUpsert(flight: Flight, { table, key, columns, changed }: Upsert, added?: Changed) {
    if (added !== undefined)
      addCount(
        flight,
        table,
        columns.filter(({ name }) => key.includes(name)),
        (pipeline, slice, there) => {
          const given = rowsOf(columns).filter(([own, at]) => own === pipeline && at === slice).length;
          added({ pipeline, slice }, given - there);
        },
      );
    const set = changed ?? columns.map(({ name }) => name).filter((name) => !key.includes(name));
    for (const statement of insertsOf(table, columns, replacing(set))) flight.add(statement);
  },

  addRemoval(flight, table, columns, removed) {
    if (removed !== undefined) addCount(flight, table, columns, (pipeline, slice, there) => removed({ pipeline, slice }, -there));
    flight.add({
      text: `DELETE gone FROM ${jsonTable('$1', columns)} AS asked STRAIGHT_JOIN ${table} AS gone FORCE INDEX (${indexOf(table)})
        ON ${isSame('gone', 'asked', columns)}`,
      values: [jsonOf(columns)],
    });
  },

  /** A range of more than one is searched for: a join would read everything held for its key. */
  addReleases(flight, columns) {
    const [pipelines, slices, keys, from] = columns;
    const rows = rowsOf(columns);
    const single = rows.flatMap(([, , , first, last], at) => (first === last ? [at] : []));
    const of = (column: Column | undefined, name: string): Column => ({
      name,
      kind: column?.kind ?? 'text',
      values: single.map((at) => column?.values[at] ?? null),
    });
    const asked = [of(pipelines, 'pipeline'), of(slices, 'slice'), of(keys, 'key'), of(from, 'order')];
    if (single.length > 0) this.addRemoval(flight, 'millrace_held', asked);
    for (const [at, [pipeline, slice, key, first, last]] of rows.entries()) {
      if (single.includes(at)) continue;
      addDeletion(flight, {
        table: 'millrace_held',
        key: asked,
        condition: 'gone.pipeline = $1 AND gone.slice = $2 AND gone."key" = $3 AND gone."order" BETWEEN $4 AND $5',
        values: [String(pipeline), Number(slice), String(key), Number(first), Number(last)],
      });
    }
  },

  /** A gap is no longer listed, but its numbers stay known as skipped. */
  addResolutions(flight, resolved) {
    const values = [listOf(resolved)];
    const letters = `${ids} STRAIGHT_JOIN millrace_dead_letters AS letter FORCE INDEX (PRIMARY) ON letter.id = asked.id`;
    flight.add({ text: `DELETE letter FROM ${letters} AND letter.number_from IS NULL`, values });
    flight.add({ text: `UPDATE ${letters} AND letter.resolved = 0 SET letter.resolved = 1`, values });
  },

  addRetries(flight, columns) {
    const name = columns.slice(0, 5);
    const set = columns.slice(5).map((column) => {
      const [stored, asked] = [`delivery.${quote(column.name)}`, storedAs('asked', column)];
      return `${stored} = ${ofFailure.has(column.name) ? `COALESCE(${asked}, ${stored})` : asked}`;
    });
    flight.add({
      text: `UPDATE ${jsonTable('$1', columns, endless)} AS asked STRAIGHT_JOIN millrace_deliveries AS delivery FORCE INDEX (by_name)
        ON ${isSame('delivery', 'asked', name)} SET ${set.join(', ')}`,
      values: [jsonOf(columns)],
    });
  },

  addAsks,
  addLineUp,

  addAnswers(flight, columns) {
    for (const [id, answer] of rowsOf(columns)) {
      const values = [String(id), String(answer)];
      flight.add({ text: 'UPDATE millrace_commands SET answer = $2 WHERE id = $1 AND answer IS NULL', values });
    }
  },

  addWithdrawal(flight, commands, withdrawn) {
    const of = `FROM ${ids} STRAIGHT_JOIN millrace_commands AS command FORCE INDEX (PRIMARY) ON command.id = asked.id`;
    const values = [listOf(commands)];
    flight.add({ text: `SELECT command.id, command.answer ${of} FOR UPDATE`, values }, ({ rows }) => withdrawn(rows));
    flight.add({ text: `DELETE command ${of}`, values });
  },

  inboxLock: (rows) => ({ text: `SELECT inbox.pipeline, inbox.place FROM ${ofInbox} FOR UPDATE`, values: [placesOf(rows)] }),

  inboxRemoval: (rows) => ({ text: `DELETE inbox FROM ${ofInbox}`, values: [placesOf(rows)] }),

  prune: pruneFlight,

  addExpiry: (flight, now) =>
    addDeletion(flight, { table: 'millrace_commands', key: [{ name: 'id', kind: 'text' }], condition: `gone.until <= ${now}`, values: [] }),

  removePiece,
};

const ids = listed('$1', { name: 'id', kind: 'text' });
const ofInbox = `${listed('$1', { name: 'place', kind: 'int8' })}
  STRAIGHT_JOIN millrace_inbox AS inbox FORCE INDEX (PRIMARY) ON inbox.place = asked.place`;

/** In the locking order common to all. */
function placesOf(rows: readonly InboxPlace[]): string {
  return listOf(rows.map(({ place }) => place).toSorted((a, b) => a - b));
}

function nameOf({ partition: { pipeline, slice } }: { readonly partition: { readonly pipeline: string; readonly slice: number } }): string {
  return `${pipeline} ${String(slice).padStart(6, '0')}`;
}
