import { MillraceError } from '../../../errors.ts';
import type { StoreLogger } from '../../store.ts';
import type { PostgresConnections } from '../connection/connections.ts';

/** The oldest release that this store is tested on, as a `server_version_num`. */
const versionMin = 150_000;

/** Servers that speak PostgreSQL's protocol but lack features that the store relies on. */
const unsupported = /cockroach|yugabyte|aurora dsql/i;

/**
 * Checks the database: throws `MILL_INVALID_CONFIGURATION` for one that the store cannot use, and ensures that acknowledged data is on disk
 * (promise 1), or warns that it is not.
 */
export async function checkServer(connections: PostgresConnections, log?: StoreLogger): Promise<void> {
  const { name } = connections.options;
  const [found] = await connections.read({
    text: `SELECT version(), current_setting('server_version_num')::int4, current_setting('server_encoding'), current_schema(),
      current_setting('synchronous_commit'), current_setting('fsync')`,
    values: [],
  });
  const [version, number, encoding, schema, synchronousCommit, fsync] = found?.rows[0] ?? [];
  if (unsupported.test(String(version))) refuse(`${name}: expected PostgreSQL, found ${version}`);
  if (Number(number) < versionMin) refuse(`${name}: expected PostgreSQL 15 or newer, found ${version}`);
  if (encoding !== 'UTF8') refuse(`${name}: expected a database with the encoding UTF8, found ${encoding}`);
  if (schema === null)
    refuse(
      `${name}: expected an existing schema for the tables, found ${connections.options.schema === undefined ? 'none in the search path' : `no schema ${connections.options.schema}`}`,
    );
  if (synchronousCommit === 'off') connections.insistOnDisk();
  if (fsync === 'off') log?.warn({ database: name }, 'the database has fsync off: acknowledged events may be lost if its machine fails');
}

function refuse(message: string): never {
  throw new MillraceError('MILL_INVALID_CONFIGURATION', message);
}
