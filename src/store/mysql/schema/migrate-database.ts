import { MillraceError } from '../../../errors.ts';
import type { Connections, Transaction } from '../../sql/connection/connections.ts';
import type { Statement } from '../../sql/connection/statement.ts';
import type { StoreDeclaration } from '../../store.ts';
import { MysqlConnections } from '../connection/connections.ts';
import { textOf } from '../connection/literals.ts';
import { toStoreError } from '../connection/mysql-errors.ts';
import { type MysqlOptions, type Settings, settingsOf } from '../mysql-options.ts';
import { tableChanges } from './declared-tables.ts';
import { missingSchema } from './schema.ts';
import { checkServer } from './server.ts';

/** The options of a migration. */
interface Migration {
  readonly url: string;
  readonly options: MysqlOptions;
  readonly declaration: StoreDeclaration;
  /** True to only find out what would be done. */
  readonly isDry: boolean;
  /** Once aborted, nothing waits for the database any more. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Brings the tables of a database up to date, and returns the statements executed. Servers may be working on it meanwhile. Throws what
 * opening a store throws, such as `MILL_TABLE_CHANGED` for an impossible change.
 */
export async function migrateDatabase({ url, options, declaration, isDry, signal }: Migration): Promise<readonly string[]> {
  const settings = settingsOf(url, options);
  const connections = await MysqlConnections.open(settings);
  connections.endWith(signal);
  try {
    await checkServer(connections);
    const changes = isDry
      ? await connections.reading((transaction) => changesTo(transaction, settings, declaration))
      : await bringUpToDate(connections, settings, declaration);
    return changes.map(textOf);
  } catch (error) {
    throw toStoreError(error, settings.name);
  } finally {
    await connections.close();
  }
}

/**
 * Creates anything missing, and returns the statements executed. DDL statements commit by themselves, so a session lock lets only one
 * process do it at a time, and interrupted work is repeated.
 */
export async function bringUpToDate(
  connections: Connections,
  settings: Settings,
  declaration: StoreDeclaration,
): Promise<readonly Statement[]> {
  const pending = await connections.reading((transaction) => changesTo(transaction, settings, declaration));
  if (pending.length === 0) return pending;
  return connections.writing((transaction) =>
    locked(transaction, settings, async () => {
      const changes = await changesTo(transaction, settings, declaration);
      for (const change of changes) await transaction.run(change);
      return changes;
    }),
  );
}

async function changesTo(
  transaction: Transaction,
  settings: Settings,
  { pipelines, tables }: StoreDeclaration,
): Promise<readonly Statement[]> {
  const names = pipelines.map(({ name }) => name);
  const schema = await missingSchema(transaction, { pipelines: names, partitions: settings.partitions, name: settings.name });
  return [...schema, ...(await tableChanges(transaction, tables))];
}

async function locked<T>({ run }: Transaction, { name, statementTimeoutMs }: Settings, work: () => Promise<T>): Promise<T> {
  const lock = "CONCAT('millrace_', MD5(DATABASE()))";
  const { rows } = await run({ text: `SELECT GET_LOCK(${lock}, $1)`, values: [Math.max(1, Math.floor(statementTimeoutMs / 1_000 / 2))] });
  if (rows[0]?.[0] !== 1) throw new MillraceError('MILL_STORE_BUSY', `${name}: another process is changing its tables; try again later`);
  try {
    return await work();
  } finally {
    // A lost connection no longer holds a lock.
    await run({ text: `SELECT RELEASE_LOCK(${lock})`, values: [] }).catch(() => undefined);
  }
}
