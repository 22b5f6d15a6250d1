import { resolve } from 'node:path';
import type { MysqlOptions } from '../store/mysql/mysql-options.ts';
import type { PostgresOptions } from '../store/postgres/postgres-options.ts';

/** A database server's URL, and how to use it. */
type ServerDatabase =
  | { readonly kind: 'postgres'; readonly url: string; readonly options: PostgresOptions }
  | { readonly kind: 'mysql'; readonly url: string; readonly options: MysqlOptions };

/** The database that holds the events. */
export type Database = { readonly kind: 'sqlite'; readonly path: string } | { readonly kind: 'memory' } | ServerDatabase;

/**
 * Parses a database URL: `postgres://user@host/name`, `mysql://user@host/name`, `sqlite:./data/millrace.db`,
 * `sqlite:///var/lib/millrace.db`, `./millrace.db`, `memory:`. `undefined` for any other text.
 */
export function readDatabase(text: string): Database | undefined {
  if (text === 'memory:') return { kind: 'memory' };
  if (/^postgres(?:ql)?:\/\//i.test(text)) return URL.canParse(text) ? { kind: 'postgres', url: text, options: {} } : undefined;
  if (/^(?:mysql|mariadb):\/\//i.test(text)) return URL.canParse(text) ? { kind: 'mysql', url: text, options: {} } : undefined;
  const path =
    /^sqlite:(?:\/\/)?([^?#\0]*[^?#\0/])$/i.exec(text)?.[1] ?? /^(?![a-z][a-z0-9+.-]+:)[^?#\0]*\.(?:db|sqlite3?)$/i.exec(text)?.[0];
  return path === undefined || path === ':memory:' ? undefined : { kind: 'sqlite', path };
}

/** The forms that {@link readDatabase} accepts, for the message that refuses another text. */
export const acceptedDatabases =
  'postgres://USER@HOST/NAME, mysql://USER@HOST/NAME, sqlite:PATH, a path ending in .db or .sqlite, or memory:';

/** Returns the database's name for people: `sqlite:/srv/data/millrace.db`, `postgres://db.internal/orders`. */
export function describeDatabase(database: Database): string {
  if (database.kind === 'memory') return 'memory, lost when it stops';
  return database.kind === 'sqlite' ? `sqlite:${resolve(database.path)}` : withoutCredentials(database);
}

/** The parser does not recognise a password with an unencoded / or ?: in that case everything before the last @ is left out. */
function withoutCredentials({ kind, url }: ServerDatabase): string {
  const { host, pathname } = new URL(/^[a-z]+:\/\/[^/?#]*@/i.test(url) ? url : url.replace(/\/\/.*@/s, '//'));
  return `${kind}://${host}${pathname}`;
}
