import type { Transaction } from '../../sql/connection/connections.ts';
import type { Statement } from '../../sql/connection/statement.ts';
import type { StoreDeclaration } from '../../store.ts';
import { literal } from '../../tables/sql-text.ts';
import { PostgresConnections } from '../connection/connections.ts';
import { toStoreError } from '../connection/postgres-errors.ts';
import { type PostgresOptions, type Settings, settingsOf } from '../postgres-options.ts';
import { migrateTables } from './declared-tables.ts';
import { createSchema, isMadeTwice } from './schema.ts';
import { checkServer } from './server.ts';

/** What is done to a database. */
interface Migration {
  readonly url: string;
  readonly options: PostgresOptions;
  readonly declaration: StoreDeclaration;
  /** Whether what is to be done is only found out, and rolled back. */
  readonly isDry: boolean;
  /** Once it is aborted, nothing waits for the database any more. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Brings the tables of a database up to date, in one transaction, and returns the statements that this took. Servers may work on it
 * meanwhile. Throws what opening a store throws, such as `MILL_TABLE_CHANGED` for what cannot be done.
 */
export async function migrateDatabase({ url, options, declaration, isDry, signal }: Migration): Promise<readonly string[]> {
  const settings = settingsOf(url, options);
  const connections = await PostgresConnections.open(settings);
  connections.endWith(signal);
  try {
    await checkServer(connections);
    return await connections.writing(({ run }) => migrate(run, { settings, declaration, isDry }), { mayRepeat: isMadeTwice });
  } catch (error) {
    if (error instanceof RolledBack) return error.changes;
    throw toStoreError(error, settings.name);
  } finally {
    await connections.close();
  }
}

/** Thrown to roll a transaction back that has shown what it would do. */
class RolledBack extends Error {
  override readonly name = 'RolledBack';
  readonly changes: readonly string[];

  constructor(changes: readonly string[]) {
    super('rolled back');
    this.changes = changes;
  }
}

async function migrate(
  run: Transaction['run'],
  { settings, declaration, isDry }: Pick<Migration, 'declaration' | 'isDry'> & { readonly settings: Settings },
): Promise<readonly string[]> {
  const changes: string[] = [];
  const recorded: Transaction = {
    async run(statement) {
      const result = await run(statement);
      if (isChange.test(statement.text)) changes.push(textOf(statement));
      return result;
    },
  };
  const pipelines = declaration.pipelines.map(({ name }) => name);
  await createSchema(recorded, { pipelines, partitions: settings.partitions, name: settings.name });
  await migrateTables(recorded, declaration.tables);
  if (isDry) throw new RolledBack(changes);
  return changes;
}

const isChange = /^\s*(?:CREATE|ALTER|DROP|INSERT|UPDATE|DELETE)\b/i;

/** As one would type it. */
function textOf({ text, values }: Statement): string {
  const shown = (value: Statement['values'][number]) =>
    typeof value === 'number' ? String(value) : literal(value === null ? null : String(value));
  return text.trim().replace(/\$(\d+)/g, (parameter, nth) => {
    const value = values[Number(nth) - 1];
    return value === undefined ? parameter : shown(value);
  });
}
