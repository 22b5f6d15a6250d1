import {
  type CompiledQuery,
  type DatabaseConnection,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { describeFound } from '../describe-found.ts';
import { MillraceError } from '../errors.ts';
import { isTable } from '../pipeline/check-table.ts';
import { markCutShort } from '../pipeline/cut-short.ts';
import type { FoundValue, StoredRowOf, Table } from '../pipeline/table.ts';
import type { TableQuery } from '../pipeline/table-query.ts';
import { isFullList, sizeOfValues, totalOf } from '../store/list-size.ts';
import type { ReadBounds, SqlDialect, Store } from '../store/store.ts';
import type { Logger } from './logger.ts';
import { MomentParameters } from './moment-parameters.ts';
import type { ReadOptions, Reads } from './reads.ts';
import { type FoundRow, RowReader } from './row-reader.ts';
import { UnreadableRows } from './unreadable-rows.ts';

const sqliteDialect: SqlDialect = {
  createAdapter: () => new SqliteAdapter(),
  createIntrospector: (kysely) => new SqliteIntrospector(kysely),
  createQueryCompiler: () => new SqliteQueryCompiler(),
};

/** Typed, read-only queries over the declared tables of a store. */
export class Queries {
  readonly #store: Pick<Store, 'query' | 'dialect'>;
  readonly #reads: Reads;
  readonly #tables: ReadonlySet<Table>;
  readonly #unreadable: UnreadableRows;

  constructor(
    { store, reads, log }: { readonly store: Pick<Store, 'query' | 'dialect'>; readonly reads: Reads; readonly log: Logger },
    tables: Iterable<Table>,
  ) {
    this.#store = store;
    this.#reads = reads;
    this.#tables = new Set(tables);
    this.#unreadable = new UnreadableRows(log);
  }

  /** Starts a query from outside the engine. Throws `MILL_INVALID_REQUEST` for a table that no pipeline of the engine declares. */
  over<T extends Table>(table: T, { charactersMax, ...reading }: ReadOptions): TableQuery<T> {
    return this.#select(table, (sql, parameters) =>
      this.#reads.run(
        reading,
        (signal) => this.#find(sql, parameters, { signal, charactersMax }),
        ({ rows }) => totalOf(rows, sizeOfRow),
      ),
    );
  }

  /** Does the same for the engine's own work, which has its own time limit. */
  own<T extends Table>(table: T): TableQuery<T> {
    return this.#select(table, (sql, parameters) => this.#find(sql, parameters));
  }

  #select<T extends Table>(table: T, find: FindRows): TableQuery<T> {
    if (!this.#tables.has(table)) {
      const found = isTable(table) ? table.name : describeFound(table);
      throw new MillraceError('MILL_INVALID_REQUEST', `query: expected a table that a pipeline of the engine declares, found ${found}`);
    }
    const { momentText, ...dialect } = this.#store.dialect ?? sqliteDialect;
    const database = new Kysely<Record<T['name'], StoredRowOf<T>>>({
      plugins: momentText === undefined ? [] : [new MomentParameters(table, momentText)],
      dialect: {
        ...dialect,
        createDriver: () => ({
          init: async () => {},
          acquireConnection: async () => new StoreConnection(find, table, this.#unreadable),
          beginTransaction: readOnly,
          commitTransaction: readOnly,
          rollbackTransaction: readOnly,
          releaseConnection: async () => {},
          destroy: async () => {},
        }),
      },
    });
    // Kysely cannot see that selecting from the only table yields a query over it.
    return database.selectFrom(table.name as never) as unknown as TableQuery<T>;
  }

  async #find(sql: string, parameters: readonly FoundValue[], bounds: ReadBounds = {}): Promise<Found> {
    const rows = await this.#store.query(sql, parameters, bounds);
    const { charactersMax } = bounds;
    return { rows, isCut: charactersMax !== undefined && isFullList(rows, sizeOfRow, { sizeMax: charactersMax }) };
  }
}

interface Found {
  readonly rows: readonly FoundRow[];
  /** True if they reached the size limit. */
  readonly isCut: boolean;
}

type FindRows = (sql: string, parameters: readonly FoundValue[]) => Promise<Found>;

function sizeOfRow(row: FoundRow): number {
  return sizeOfValues(Object.values(row));
}

/** Runs compiled statements on the store and converts the table's columns to their declared types. */
class StoreConnection implements DatabaseConnection {
  readonly #find: FindRows;
  readonly #table: Table;
  readonly #unreadable: UnreadableRows;

  constructor(find: FindRows, table: Table, unreadable: UnreadableRows) {
    this.#find = find;
    this.#table = table;
    this.#unreadable = unreadable;
  }

  async executeQuery<Row>({ sql, parameters, query }: CompiledQuery): Promise<QueryResult<Row>> {
    const found = await this.#find(sql, parameters.map(toParameter));
    const reader = new RowReader(this.#table, query, (row, columns) => this.#unreadable.tell(this.#table, row, columns));
    const rows = found.rows.map((row) => reader.read(row) as Row);
    if (found.isCut) markCutShort(rows);
    return { rows };
  }

  // biome-ignore lint/correctness/useYield: a stream is not offered, and Kysely wants a generator
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new MillraceError('MILL_INVALID_REQUEST', 'query: expected execute(), found stream(); page through the rows by a key');
  }
}

/** SQLite would take NaN for null, and compare half of a surrogate pair as U+FFFD. Infinity and U+0000 may occur in a row. */
function toParameter(value: unknown): FoundValue {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value === null || typeof value === 'bigint' || value instanceof Uint8Array) return value;
  if (typeof value === 'string' && value.isWellFormed()) return value;
  if (typeof value === 'number' && !Number.isNaN(value)) return value;
  throw new MillraceError(
    'MILL_INVALID_REQUEST',
    `query: expected a well-formed text, a number, a bigint, bytes, a boolean or null as parameter, found ${describeFound(value)}`,
  );
}

async function readOnly(): Promise<never> {
  throw new MillraceError('MILL_INVALID_REQUEST', 'query: expected a read, found a transaction; handlers write through effects');
}
