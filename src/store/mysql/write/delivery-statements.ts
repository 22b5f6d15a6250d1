import type { Flight } from '../../sql/connection/flight.ts';
import type { Changed } from '../../sql/statements.ts';
import { type Column, rowsOf } from '../../sql/write/columns.ts';
import { quoteAll } from '../../tables/sql-text.ts';
import { isSame, jsonOf, jsonTable, storedAs } from '../read/json-rows.ts';
import { addCount } from './counts.ts';

/* Writes deliveries. `CommitParts.addDeliveries` defines lines. */

/** Columns of deliveries whose texts may be of any length. */
const endless: ReadonlySet<string> = new Set(['id', 'url', 'traceparent', 'body']);

/**
 * An existing one keeps its place, its attempts, and its moment unless that is null; a restored one changes nothing of it. Texts are sent
 * once, as a session variable.
 */
export function addAsks(flight: Flight, columns: readonly Column[], added: Changed): void {
  const name = columns.slice(0, 5);
  const all = [...columns, followsOf(columns)];
  addCount(flight, 'millrace_deliveries', name, (pipeline, slice, there) => {
    const given = rowsOf(columns).filter(([own, at]) => own === pipeline && at === slice).length;
    added({ pipeline, slice }, given - there);
  });
  flight.add({ text: 'SET @millrace_asked = $1', values: [jsonOf(all)] });
  const asked = `${jsonTable('@millrace_asked', all, endless)} AS asked`;
  flight.add({
    text: `UPDATE ${asked} STRAIGHT_JOIN millrace_deliveries AS delivery FORCE INDEX (by_name) ON ${isSame('delivery', 'asked', name)}
      SET delivery.flow = asked.flow, delivery.waits = CASE WHEN delivery.ordered = asked.ordered THEN delivery.waits ELSE asked.ordered END,
        delivery.ordered = asked.ordered, delivery.due_at = COALESCE(delivery.due_at, asked.due_at), delivery.url = asked.url,
        delivery.traceparent = asked.traceparent, delivery.body = asked.body
      WHERE asked.is_asked = 1`,
    values: [],
  });
  const stored = columns.filter((column) => column.name !== 'is_asked');
  flight.add({
    text: `INSERT INTO millrace_deliveries (${quoteAll(stored.map((column) => column.name))}, waits)
      SELECT ${stored.map((column) => storedAs('asked', column)).join(', ')}, asked.ordered = 1 AND (asked.follows = 1 OR EXISTS (
          SELECT 1 FROM millrace_deliveries AS earlier WHERE earlier.pipeline = asked.pipeline AND earlier.slice = asked.slice
            AND earlier.endpoint = asked.endpoint AND earlier."key" = asked."key" AND earlier.ordered = 1))
      FROM ${asked}
      LEFT JOIN millrace_deliveries AS present FORCE INDEX (by_name) ON ${isSame('present', 'asked', name)}
      WHERE present.place IS NULL ORDER BY asked.nth`,
    values: [],
  });
  flight.add({ text: 'SET @millrace_asked = NULL', values: [] });
}

/** Tells whether an earlier ordered delivery is in the same line, new or not. */
function followsOf(columns: readonly Column[]): Column {
  const seen = new Set<string>();
  const ordered = columns.find((column) => column.name === 'ordered');
  const values = rowsOf(columns.slice(0, 4)).map((line, at) => {
    if (ordered?.values[at] !== true) return false;
    const name = JSON.stringify(line);
    const isSeen = seen.has(name);
    seen.add(name);
    return isSeen;
  });
  return { name: 'follows', kind: 'bool', values };
}

/** Corrects deliveries in a line that wrongly do not wait, or wrongly do: the first, or the second. */
export function addLineUp(flight: Flight, names: readonly Column[]): void {
  const columns = linesOf(names);
  const nth = (before: number) => `SELECT DISTINCT (
      SELECT one.place FROM millrace_deliveries AS one FORCE INDEX (by_line) WHERE one.pipeline = line.pipeline AND one.slice = line.slice
        AND one.endpoint = line.endpoint AND one."key" = line."key" AND one.ordered = 1 ORDER BY one.place LIMIT 1 OFFSET ${before}
    ) AS place FROM ${jsonTable('$1', columns)} AS line`;
  for (const [before, waits] of [
    [0, 0],
    [1, 1],
  ] as const) {
    flight.add({
      text: `UPDATE (${nth(before)}) AS found STRAIGHT_JOIN millrace_deliveries AS delivery FORCE INDEX (PRIMARY) ON delivery.place = found.place
        SET delivery.waits = ${waits} WHERE delivery.waits <> ${waits}`,
      values: [jsonOf(columns)],
    });
  }
}

/** Returns each line once. */
function linesOf(names: readonly Column[]): readonly Column[] {
  const lines = names.slice(0, 4);
  const all = rowsOf(lines);
  const firsts = new Map(all.map((line, at) => [JSON.stringify(line), at] as const).toReversed());
  const kept = Array.from(firsts.values()).toReversed();
  return lines.map((column) => ({ ...column, values: kept.map((at) => column.values[at] ?? null) }));
}
