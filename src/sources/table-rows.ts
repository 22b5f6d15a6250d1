import { type SelectQueryBuilder, sql } from 'kysely';
import { messageOf } from '../errors.ts';
import { codeOf, stackOf } from '../fault.ts';
import type { FaultyRow, PendingOrigins, SourceRow } from '../pipeline/source-rows.ts';
import { kindOf, type SqlValue, type Table } from '../pipeline/table.ts';
import { unreadableColumns } from '../pipeline/unreadable.ts';

/** A query with known rows and nothing else. */
export type AnyRows<Row> = SelectQueryBuilder<Record<string, Record<string, unknown>>, string, Row>;

/** The primary key of a row: its values as the database has them, in the order of the key's columns. */
interface RowKey {
  readonly values: readonly SqlValue[];
  readonly origin: string;
}

/** The fewest keys that one look at the table fetches. */
const firstLook = 64;

/** The waiting rows of a table. */
export class TableRows<Row> {
  readonly #table: Table;
  readonly #waiting: () => AnyRows<Row>;
  readonly #event: (row: Row) => unknown;

  /** @param waiting makes the query for the waiting rows, most urgent first */
  constructor(table: Table, waiting: () => AnyRows<Row>, event: (row: Row) => unknown) {
    this.#table = table;
    this.#waiting = waiting;
    this.#event = event;
  }

  /** Reads the rows that are not pending, each once, on request. */
  async *take(limit: number, pending: PendingOrigins): AsyncGenerator<SourceRow> {
    for await (const { values, origin } of this.#free(limit, pending)) {
      const made = await this.#make(values);
      if (made !== undefined) yield { origin, key: textOf(values), ...made };
    }
  }

  /**
   * Returns the keys of the rows that are not pending. Each look starts from the first row again and is twice as long as the last: during a
   * run, finished rows stop waiting, so positions in the list keep shifting.
   */
  async *#free(limit: number, pending: PendingOrigins): AsyncGenerator<RowKey> {
    const seen = new Set<string>();
    for (let look = Math.max(limit, firstLook); ; look *= 2) {
      const keys = await this.#keys(look);
      const fresh = new Map(keys.filter(({ origin }) => !seen.has(origin)).map((key) => [key.origin, key]));
      for (const origin of fresh.keys()) seen.add(origin);
      const isPending = await pending(Array.from(fresh.keys()));
      for (const key of fresh.values()) if (!isPending.has(key.origin)) yield key;
      if (keys.length < look) return;
    }
  }

  async #keys(limit: number): Promise<readonly RowKey[]> {
    const { name, columns, primaryKey } = this.#table;
    const selected = primaryKey.flatMap((column, at) => {
      const value = sql.ref<SqlValue>(`${name}.${column}`);
      // Under aliases that match no column, so that they stay unconverted.
      if (kindOf(columns[column] ?? 'text') !== 'integer') return [value.as(`key ${at}`)];
      // An integer beyond JavaScript's range cannot be read, and would fail all other rows too. As text it still finds its row.
      const isReadable = sql<boolean>`${value} between ${sql.lit(Number.MIN_SAFE_INTEGER)} and ${sql.lit(Number.MAX_SAFE_INTEGER)}`;
      return [
        sql<SqlValue>`case when ${isReadable} then ${value} end`.as(`key ${at}`),
        // Every database has this; each has its own name for the text type.
        sql<SqlValue>`case when not (${isReadable}) then concat(${value}, '') end`.as(`key ${at} as text`),
      ];
    });
    const rows = await this.#waiting().clearSelect().clearLimit().clearOffset().select(selected).limit(limit).execute();
    return rows.map((row) => {
      // Anything a store returns is a SQL value.
      const found = row as Readonly<Record<string, SqlValue | undefined>>;
      const values = primaryKey.map((_, at) => found[`key ${at}`] ?? found[`key ${at} as text`] ?? null);
      const key = Object.fromEntries(primaryKey.map((column, at) => [column, values[at]]));
      return { values, origin: JSON.stringify({ table: name, key }) };
    });
  }

  /** Returns the row's current event, or why it has none; undefined if the row no longer waits. */
  async #make(key: readonly SqlValue[]): Promise<{ readonly event: unknown } | Pick<FaultyRow, 'fault' | 'stack'> | undefined> {
    let row: Row | undefined;
    try {
      row = await this.#read(key);
    } catch (error) {
      const code = codeOf(error);
      if (code !== undefined && code !== 'MILL_INVALID_REQUEST') throw error;
      // A broken query throws here too: then it is not the row's fault.
      await this.#waiting().clearLimit().limit(0).execute();
      return { fault: `row: ${messageOf(error)}`, stack: stackOf(error) };
    }
    if (row === undefined) return mayBeUnreadable(key) && (await this.#isWaiting(key)) ? { fault: unreadableKey, stack: null } : undefined;
    const unreadable = unreadableColumns(row).map(({ column, message }) => `${column}: ${message}`);
    if (unreadable.length > 0) return { fault: `row: ${unreadable.join('; ')}`, stack: null };
    try {
      return { event: await this.#event(row) };
    } catch (error) {
      return { fault: `event: ${messageOf(error)}`, stack: stackOf(error) };
    }
  }

  /** Returns whether a row still waits that its key, as read, cannot find. */
  async #isWaiting(key: readonly SqlValue[]): Promise<boolean> {
    const sought = JSON.stringify(key);
    return (await this.#keys(Number.MAX_SAFE_INTEGER)).some(({ values }) => JSON.stringify(values) === sought);
  }

  #read(key: readonly SqlValue[]): Promise<Row | undefined> {
    const { name, primaryKey } = this.#table;
    const one = primaryKey.reduce(
      (select, column, at) => select.where(`${name}.${column}`, '=', key[at]),
      this.#waiting().clearLimit().clearOffset(),
    );
    return one.limit(1).executeTakeFirst() as Promise<Row | undefined>;
  }
}

const unreadableKey = 'row: no handler could have written the primary key of the row, so the row cannot be found by it';

/** Returns whether one of the values may differ in the database: it was read as something other than text, number or null. */
function mayBeUnreadable(key: readonly SqlValue[]): boolean {
  return key.some(
    (value) => value === null || (typeof value === 'string' ? value.includes('\uFFFD') : Math.abs(Number(value)) >= Number.MAX_VALUE),
  );
}

/** Returns a single-column key as it is, a longer one as a JSON array. */
function textOf(values: readonly SqlValue[]): string {
  return values.length === 1 ? String(values[0]) : JSON.stringify(values);
}
