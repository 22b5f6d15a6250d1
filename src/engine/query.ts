import {
  type CompiledQuery,
  type DatabaseConnection,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { MillraceError } from '../errors.ts';
import { fromSqlValue, type SqlValue, type StoredRowOf, type Table } from '../pipeline/table.ts';
import type { TableQuery } from '../pipeline/table-query.ts';
import type { Store } from '../store/store.ts';

/** Typed, read-only queries over the declared tables of a store. */
export class Queries {
  readonly #store: Store;
  readonly #tables: ReadonlySet<Table>;

  constructor(store: Store, tables: Iterable<Table>) {
    this.#store = store;
    this.#tables = new Set(tables);
  }

  /** Throws `MILL_INVALID_REQUEST` for a table that no pipeline of the engine declares. */
  over<T extends Table>(table: T): TableQuery<T> {
    if (!this.#tables.has(table)) throw new MillraceError('MILL_INVALID_REQUEST', `query: expected a declared table, found ${table.name}`);
    const database = new Kysely<Record<T['name'], StoredRowOf<T>>>({
      dialect: {
        createAdapter: () => new SqliteAdapter(),
        createDriver: () => ({
          init: async () => {},
          acquireConnection: async () => new StoreConnection(this.#store, table),
          beginTransaction: readOnly,
          commitTransaction: readOnly,
          rollbackTransaction: readOnly,
          releaseConnection: async () => {},
          destroy: async () => {},
        }),
        createIntrospector: (kysely) => new SqliteIntrospector(kysely),
        createQueryCompiler: () => new SqliteQueryCompiler(),
      },
    });
    // Kysely cannot see that selecting from the only table there is yields a query over it.
    return database.selectFrom(table.name as never) as unknown as TableQuery<T>;
  }
}

/** Runs compiled statements on the store and gives columns of the table their declared types back. */
class StoreConnection implements DatabaseConnection {
  readonly #store: Store;
  readonly #table: Table;

  constructor(store: Store, table: Table) {
    this.#store = store;
    this.#table = table;
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const rows = await this.#store.query(sql, parameters.map(toParameter));
    return { rows: rows.map((row) => this.#parse(row) as Row) };
  }

  // biome-ignore lint/correctness/useYield: a stream is not offered, and Kysely wants a generator
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new MillraceError('MILL_INVALID_REQUEST', 'query: expected execute(), found stream(); page through the rows by a key');
  }

  #parse(row: Readonly<Record<string, SqlValue>>): Record<string, unknown> {
    const parsed: Record<string, unknown> = {};
    for (const [column, value] of Object.entries(row)) {
      const type = this.#table.columns[column];
      parsed[column] = type === undefined ? value : fromSqlValue(type, value);
    }
    return parsed;
  }
}

function toParameter(value: unknown): SqlValue {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value === null || typeof value === 'string' || typeof value === 'number') return value;
  throw new MillraceError('MILL_INVALID_REQUEST', `query: expected a string, number, boolean or null as parameter, found ${typeof value}`);
}

async function readOnly(): Promise<never> {
  throw new MillraceError('MILL_INVALID_REQUEST', 'query: expected a read, found a transaction; handlers write through effects');
}
