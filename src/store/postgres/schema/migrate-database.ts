import type { Transaction } from '../../sql/connection/connections.ts';
import type { Statement } from '../../sql/connection/statement.ts';
import type { Declared } from '../../sql/write/batch.ts';
import type { StoreDeclaration } from '../../store.ts';
import { literal } from '../../tables/sql-text.ts';
import { PostgresConnections } from '../connection/connections.ts';
import { toStoreError } from '../connection/postgres-errors.ts';
import { type PostgresOptions, type Settings, settingsOf } from '../postgres-options.ts';
import { migrateTables } from './declared-tables.ts';
import { isMadeTwice, lockSchema, missingMeta, missingSchema } from './schema.ts';
import { checkServer } from './server.ts';

/** The options of a migration. */
interface Migration {
  readonly url: string;
  readonly options: PostgresOptions;
  readonly declaration: StoreDeclaration;
  /** True to only find out what would be done. */
  readonly isDry: boolean;
  /** Once aborted, nothing waits for the database any more. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Brings the tables of a database up to date in one transaction, and returns the statements executed. Servers may be working on it
 * meanwhile. Throws what opening a store throws, such as `MILL_TABLE_CHANGED` for an impossible change.
 */
export async function migrateDatabase({ url, options, declaration, isDry, signal }: Migration): Promise<readonly string[]> {
  const settings = settingsOf(url, options);
  const connections = await PostgresConnections.open(settings);
  connections.endWith(signal);
  try {
    await checkServer(connections);
    const changes = isDry ? await foundOut(connections, settings, declaration) : await done(connections, settings, declaration);
    return changes.map(textOf);
  } catch (error) {
    throw toStoreError(error, settings.name);
  } finally {
    await connections.close();
  }
}

/** Brings the tables up to date within a transaction. Returns the declared ones as the database keeps them. */
export async function bringUpToDate(
  transaction: Transaction,
  settings: Settings,
  { pipelines, tables }: StoreDeclaration,
): Promise<readonly Declared[]> {
  await lockSchema(transaction);
  const names = pipelines.map(({ name }) => name);
  const schema = await missingSchema(transaction, { pipelines: names, partitions: settings.partitions, name: settings.name });
  for (const statement of schema) await transaction.run(statement);
  return migrateTables(transaction, tables);
}

function done(connections: PostgresConnections, settings: Settings, declaration: StoreDeclaration): Promise<readonly Statement[]> {
  const work = async ({ run }: Transaction) => {
    const changes: Statement[] = [];
    const recorded: Transaction = {
      async run(statement) {
        const result = await run(statement);
        if (isChange.test(statement.text)) changes.push(statement);
        return result;
      },
    };
    await bringUpToDate(recorded, settings, declaration);
    return changes;
  };
  return connections.writing(work, { mayRepeat: isMadeTwice });
}

/** Derives the statements from the database's description of its tables: changes nothing, and takes no lock that anybody waits for. */
function foundOut(
  connections: PostgresConnections,
  settings: Settings,
  { pipelines, tables }: StoreDeclaration,
): Promise<readonly Statement[]> {
  return connections.reading(async (transaction) => {
    const names = pipelines.map(({ name }) => name);
    const changes = [
      ...(await missingMeta(transaction)),
      ...(await missingSchema(transaction, { pipelines: names, partitions: settings.partitions, name: settings.name })),
    ];
    const recorded: Transaction = {
      async run(statement) {
        if (!isChange.test(statement.text)) return transaction.run(statement);
        changes.push(statement);
        return { rows: [], columns: [], count: 0 };
      },
    };
    await migrateTables(recorded, tables);
    return changes;
  });
}

const isChange = /^\s*(?:CREATE|ALTER|DROP|INSERT|UPDATE|DELETE)\b/i;

/** Returns a statement as one would type it. */
function textOf({ text, values }: Statement): string {
  const shown = (value: Statement['values'][number]) =>
    typeof value === 'number' ? String(value) : literal(value === null ? null : String(value));
  return text.trim().replace(/\$(\d+)/g, (parameter, nth) => {
    const value = values[Number(nth) - 1];
    return value === undefined ? parameter : shown(value);
  });
}
