import type { CopySource, CopyTarget } from '../../copy/copy-ends.ts';
import { copying } from '../../copy/unfinished-copy.ts';
import type { Store, StoreDeclaration } from '../../store.ts';
import type { Connections, Transaction } from '../connection/connections.ts';
import { checkPresent, type SchemaVersions } from '../schema/check-tables.ts';
import type { CopyDialect } from './copy-dialect.ts';
import { checkNoServer } from './no-server.ts';
import { type SqlRows, SqlSource, SqlTarget } from './sql-ends.ts';
import { SqlWrites } from './sql-writes.ts';

/** The source or the target of a copy. */
export interface ServerOfCopy<Options> {
  readonly url: string;
  readonly options: Options;
  /** Once aborted, nothing waits for the server any more. */
  readonly signal: AbortSignal;
}

/** A kind of server, as a copy uses it. */
export interface CopyServers<Options, Opened extends Connections> {
  readonly dialect: CopyDialect;
  readonly schemaVersions: SchemaVersions;
  /** Returns the metadata of the database's tables; empty if none are Millrace's. */
  metaOf(transaction: Transaction): Promise<ReadonlyMap<unknown, unknown>>;
  connect(url: string, options: Options): Promise<Opened>;
  /** @param isSource true for the copy's source, from which all slices come together */
  rowsOf(connections: Opened, isSource: boolean): SqlRows;
  store(url: string, options: Options): Store;
}

/**
 * Opens a database to copy from; nothing is written to it. Throws `MILL_INVALID_CONFIGURATION` if it is not a Millrace database,
 * `MILL_TABLE_CHANGED` for another version, `MILL_STORE_OWNED` while a server works on it.
 */
export async function openSource<Options, Opened extends Connections>(
  servers: CopyServers<Options, Opened>,
  server: ServerOfCopy<Options>,
): Promise<CopySource> {
  return opened(servers, server, async (connections) => {
    const meta = await connections.reading(servers.metaOf);
    checkPresent(meta, connections.options.name, servers.schemaVersions);
    return new SqlSource(await endOf(servers, connections, true), servers.dialect);
  });
}

/**
 * Opens a database to copy into, and creates the declared tables. Throws `MILL_STORE_OWNED` while a server works on it, and what opening a
 * store throws.
 */
export async function openTarget<Options, Opened extends Connections>(
  servers: CopyServers<Options, Opened>,
  server: ServerOfCopy<Options>,
  declaration: StoreDeclaration,
): Promise<CopyTarget> {
  return opened(servers, server, async (connections) => {
    const before = await connections.reading(servers.metaOf);
    if (before.get('schema_version') !== copying) {
      const store = servers.store(server.url, server.options);
      await store.open(declaration, undefined, server.signal);
      await store.close();
    }
    return new SqlTarget(await endOf(servers, connections, false), new SqlWrites(connections, servers.dialect));
  });
}

async function endOf<Options, Opened extends Connections>(
  { dialect, metaOf, rowsOf }: CopyServers<Options, Opened>,
  connections: Opened,
  isSource: boolean,
) {
  const { name } = connections.options;
  await connections.reading((transaction) => checkNoServer(transaction, { name, now: dialect.statements.now }));
  const meta = await connections.reading(metaOf);
  return { connections, rows: rowsOf(connections, isSource), slices: Number(meta.get('partitions')) };
}

/** Uses its own connections, which are closed if that fails. */
async function opened<Options, Opened extends Connections, End>(
  { connect }: CopyServers<Options, Opened>,
  { url, options, signal }: ServerOfCopy<Options>,
  open: (connections: Opened) => Promise<End>,
): Promise<End> {
  const connections = await connect(url, options);
  connections.endWith(signal);
  try {
    return await open(connections);
  } catch (error) {
    await connections.close();
    throw connections.errors.toStoreError(error, connections.options.name);
  }
}
