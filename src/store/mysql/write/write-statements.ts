import type { Flight } from '../../sql/connection/flight.ts';
import type { Changed, Upsert, WriteStatements } from '../../sql/statements.ts';
import { type Column, rowsOf } from '../../sql/write/columns.ts';
import { quote } from '../../tables/sql-text.ts';
import { fenceLimit } from '../connection/mysql-errors.ts';
import { isSame, jsonOf, jsonTable, storedAs } from '../read/json-rows.ts';
import { addAppends, addHeadLocks, logged } from './append-statements.ts';
import { addCount, indexOf } from './counts.ts';
import { addAsks, addLineUp } from './delivery-statements.ts';
import { insertsOf, replacing, withOriginHash } from './inserts.ts';
import { pruneFlight } from './prune-statements.ts';

export const writeStatements: WriteStatements = {
  addHeadLocks,
  addAppends,
  logged,

  /** The first locks the fences. The second has an error for an epoch that is another: a number out of range, since a statement cannot raise one of its own. */
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

  /** Of a range that is more than one there is a statement of its own: joined, all that is held of its key would be read. */
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
      flight.add({
        text: 'DELETE FROM millrace_held WHERE pipeline = $1 AND slice = $2 AND "key" = $3 AND "order" BETWEEN $4 AND $5',
        values: [String(pipeline), Number(slice), String(key), Number(first), Number(last)],
      });
    }
  },

  /** A gap is listed no more, but its numbers stay known as skipped. */
  addResolutions(flight, ids) {
    const values = [ids];
    flight.add({
      text: 'DELETE gone FROM millrace_dead_letters AS gone FORCE INDEX (PRIMARY) WHERE gone.id IN $1 AND gone.number_from IS NULL',
      values,
    });
    flight.add({ text: 'UPDATE millrace_dead_letters FORCE INDEX (PRIMARY) SET resolved = 1 WHERE id IN $1 AND resolved = 0', values });
  },

  addRetries(flight, columns) {
    const name = columns.slice(0, 5);
    const set = columns.slice(5).map((column) => `delivery.${quote(column.name)} = ${storedAs('asked', column)}`);
    flight.add({
      text: `UPDATE ${jsonTable('$1', columns)} AS asked STRAIGHT_JOIN millrace_deliveries AS delivery FORCE INDEX (by_name)
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

  addWithdrawal(flight, ids, withdrawn) {
    const of = 'FROM millrace_commands AS command FORCE INDEX (PRIMARY) WHERE command.id IN $1';
    flight.add({ text: `SELECT id, answer ${of} FOR UPDATE`, values: [ids] }, ({ rows }) => withdrawn(rows));
    flight.add({ text: `DELETE command ${of}`, values: [ids] });
  },

  // By the primary key, and so past rows that another program is about to insert.
  inboxLock: (rows) => ({
    text: 'SELECT pipeline, place FROM millrace_inbox FORCE INDEX (PRIMARY) WHERE place IN $1 ORDER BY place FOR UPDATE',
    values: [rows.map(({ place }) => place)],
  }),

  inboxRemoval: (rows) => ({
    text: 'DELETE gone FROM millrace_inbox AS gone FORCE INDEX (PRIMARY) WHERE gone.place IN $1',
    values: [rows.map(({ place }) => place)],
  }),

  prune: pruneFlight,

  removePiece: (table, rows) => `DELETE FROM ${table} WHERE pipeline = $1 LIMIT ${rows}`,
};

function nameOf({ partition: { pipeline, slice } }: { readonly partition: { readonly pipeline: string; readonly slice: number } }): string {
  return `${pipeline} ${String(slice).padStart(6, '0')}`;
}
