import { MillraceError } from '../../../errors.ts';
import type { BegunCopy, CopySource, CopyTarget, TakeRows } from '../../copy/copy-ends.ts';
import type { CopiedRow, CopyPart } from '../../copy/copy-part.ts';
import { copying } from '../../copy/unfinished-copy.ts';
import type { Connections } from '../../sql/connection/connections.ts';
import { checkVersion } from '../../sql/schema/check-tables.ts';
import type { StoreDeclaration } from '../../store.ts';
import { PostgresConnections } from '../connection/connections.ts';
import { isValueFault, toStoreError } from '../connection/postgres-errors.ts';
import { type PostgresOptions, settingsOf } from '../postgres-options.ts';
import { postgres } from '../postgres-store.ts';
import { schemaVersions } from '../schema/schema.ts';
import { checkNoServer } from './no-server.ts';
import { PostgresRows } from './postgres-rows.ts';
import { PostgresWrites } from './postgres-writes.ts';

/** Sorting a log, or counting it, may take long, and nobody waits for it. */
const statementTimeoutMs = 60 * 60_000;

/** Where a copy goes to, or comes from. */
interface ServerOfCopy {
  readonly url: string;
  readonly options: PostgresOptions;
  /** Once it is aborted, nothing waits for the server any more. */
  readonly signal: AbortSignal;
}

/** A database on which no server is to work meanwhile. */
class PostgresEnd {
  readonly name: string;
  readonly slices: number;
  protected readonly connections: Connections;
  readonly #rows: PostgresRows;

  constructor(connections: Connections, { slices, isSource }: { readonly slices: number; readonly isSource: boolean }) {
    this.name = connections.options.name;
    this.slices = slices;
    this.connections = connections;
    this.#rows = new PostgresRows(connections, isSource);
  }

  pipelines(): Promise<readonly string[]> {
    return this.guarded(this.#rows.pipelines());
  }

  tables(): Promise<readonly string[]> {
    return this.guarded(this.#rows.tables());
  }

  count(part: CopyPart): Promise<number> {
    return this.guarded(this.#rows.count(part));
  }

  read(part: CopyPart, from: number, take: TakeRows): Promise<void> {
    return this.guarded(this.#rows.read(part, from, take));
  }

  async close(): Promise<void> {
    await this.connections.close();
  }

  protected async guarded<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw toStoreError(error, this.name);
    }
  }
}

class PostgresSource extends PostgresEnd implements CopySource {
  /** Every claim of a partition raises its epoch, and so does its end. */
  async epochs(): Promise<string> {
    const text = 'SELECT pipeline, slice, epoch FROM millrace_fences ORDER BY pipeline, slice';
    const [found] = await this.guarded(this.connections.read({ text, values: [] }));
    return JSON.stringify(found?.rows);
  }
}

class PostgresTarget extends PostgresEnd implements CopyTarget {
  readonly #writes: PostgresWrites;

  constructor(connections: Connections, options: { readonly slices: number; readonly isSource: boolean }) {
    super(connections, options);
    this.#writes = new PostgresWrites(connections, this.name);
  }

  begun(): Promise<BegunCopy | undefined> {
    return this.guarded(this.#writes.begun());
  }

  begin(fingerprint: string): Promise<void> {
    return this.guarded(this.#writes.begin(fingerprint));
  }

  async write(part: CopyPart, rows: readonly CopiedRow[], done: { readonly before: number; readonly after: number }): Promise<void> {
    try {
      await this.#writes.write(part, rows, done);
    } catch (error) {
      if (!isValueFault(error)) throw toStoreError(error, this.name);
      const { message } = error as Error;
      throw new MillraceError('MILL_COMMIT_REFUSED', `${this.name}: ${part.name}: the database cannot hold a row: ${message}`, {
        cause: error,
      });
    }
  }

  finish(): Promise<void> {
    return this.guarded(this.#writes.finish());
  }
}

/**
 * Opens a database to copy from; nothing is written to it. Throws `MILL_INVALID_CONFIGURATION` for one that is none of Millrace,
 * `MILL_TABLE_CHANGED` for one of another version, `MILL_STORE_OWNED` while a server works on it.
 */
export async function openPostgresSource({ url, options, signal }: ServerOfCopy): Promise<CopySource> {
  return opened({ url, options, signal }, async (connections) => {
    const meta = await metaOf(connections);
    const { name } = connections.options;
    if (meta === undefined)
      throw new MillraceError('MILL_INVALID_CONFIGURATION', `${name}: expected a database of Millrace, found none of its tables`);
    checkVersion(meta.get('schema_version'), name, schemaVersions, true);
    await connections.reading(({ run }) => checkNoServer(run, name));
    return new PostgresSource(connections, { slices: Number(meta.get('partitions')), isSource: true });
  });
}

/** Opens a database to copy into, and makes the tables of the declaration. Throws `MILL_STORE_OWNED` while a server works on it, and what opening a store throws. */
export async function openPostgresTarget({ url, options, signal }: ServerOfCopy, declaration: StoreDeclaration): Promise<CopyTarget> {
  return opened({ url, options, signal }, async (connections) => {
    const { name } = connections.options;
    const before = await metaOf(connections);
    if (before?.get('schema_version') !== copying) {
      const store = postgres(url, options);
      await store.open(declaration, undefined, signal);
      await store.close();
    }
    await connections.reading(({ run }) => checkNoServer(run, name));
    const meta = await metaOf(connections);
    return new PostgresTarget(connections, { slices: Number(meta?.get('partitions')), isSource: false });
  });
}

async function opened<End>({ url, options, signal }: ServerOfCopy, open: (connections: Connections) => Promise<End>): Promise<End> {
  const connections = await PostgresConnections.open({ ...settingsOf(url, options), statementTimeoutMs });
  connections.endWith(signal);
  try {
    return await open(connections);
  } catch (error) {
    await connections.close();
    throw toStoreError(error, connections.options.name);
  }
}

/** Undefined where there is none. */
async function metaOf(connections: Connections): Promise<ReadonlyMap<unknown, unknown> | undefined> {
  const [there] = await connections.read({ text: "SELECT to_regclass('millrace_meta') IS NOT NULL", values: [] });
  if (there?.rows[0]?.[0] !== 1) return undefined;
  const [found] = await connections.read({ text: 'SELECT name, value FROM millrace_meta', values: [] });
  return new Map(found?.rows.map(([name, value]) => [name, value]));
}
