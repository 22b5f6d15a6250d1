import { resolve } from 'node:path';

/** Where events are kept, as read from a database URL. */
export type Database = { readonly kind: 'sqlite'; readonly path: string } | { readonly kind: 'memory' };

/**
 * Reads a database URL: `sqlite:./data/millrace.db`, `sqlite:///var/lib/millrace.db`, `./millrace.db`, `memory:`.
 * `undefined` when it is none of them.
 */
export function readDatabase(text: string): Database | undefined {
  if (text === 'memory:') return { kind: 'memory' };
  const path =
    /^sqlite:(?:\/\/)?([^?#\0]*[^?#\0/])$/i.exec(text)?.[1] ?? /^(?![a-z][a-z0-9+.-]+:)[^?#\0]*\.(?:db|sqlite3?)$/i.exec(text)?.[0];
  return path === undefined || path === ':memory:' ? undefined : { kind: 'sqlite', path };
}

/** What {@link readDatabase} accepts, for the message that refuses `text`. */
export function acceptedDatabases(text: string): string {
  const accepted = 'sqlite:PATH, a path that ends in .db or .sqlite, or memory:';
  const planned = /^(postgres|mysql)(?:ql)?:/i.exec(text)?.[1]?.toLowerCase();
  return planned === undefined ? accepted : `${accepted} (${planned} is not supported yet by this version)`;
}

/** The database as it is named to people: `sqlite:/srv/data/millrace.db`. */
export function describeDatabase(database: Database): string {
  return database.kind === 'memory' ? 'memory, gone when it stops' : `sqlite:${resolve(database.path)}`;
}
