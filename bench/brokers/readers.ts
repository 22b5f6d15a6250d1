import type { MakeReader } from './reader.ts';

/** A description of a reader, available without starting it. */
export interface ReaderDescription {
  readonly name: string;
  readonly title: string;
  readonly database: 'sqlite' | 'postgres';
  /** True if it takes one message at a time, and so gets fewer of them. */
  readonly isSlow: boolean;
  load(): Promise<MakeReader>;
}

/** Millrace, the limit, and one message at a time on each database. */
export const readers: readonly ReaderDescription[] = [
  {
    name: 'millrace-sqlite',
    title: 'Millrace (SQLite)',
    database: 'sqlite',
    isSlow: false,
    load: async () => (await import('./millrace.ts')).makeMillraceSqliteReader,
  },
  {
    name: 'bare-sqlite',
    title: 'bare loop (SQLite)',
    database: 'sqlite',
    isSlow: false,
    load: async () => (await import('./bare-sqlite.ts')).makeBareSqliteReader,
  },
  {
    name: 'per-message-sqlite',
    title: 'per message (SQLite)',
    database: 'sqlite',
    isSlow: true,
    load: async () => (await import('./per-message-sqlite.ts')).makeSqlitePerMessageReader,
  },
  {
    name: 'millrace-postgres',
    title: 'Millrace (Postgres)',
    database: 'postgres',
    isSlow: false,
    load: async () => (await import('./millrace.ts')).makeMillracePostgresReader,
  },
  {
    name: 'bare-postgres',
    title: 'bare loop (Postgres)',
    database: 'postgres',
    isSlow: false,
    load: async () => (await import('./bare-postgres.ts')).makeBarePostgresReader,
  },
  ...[1, 12].map((lanes) => ({
    name: `per-message-postgres-${lanes}`,
    title: `per message, ${lanes} at once (Postgres)`,
    database: 'postgres' as const,
    isSlow: true,
    load: async () => (await import('./per-message-postgres.ts')).postgresPerMessageReader(lanes),
  })),
];

/** Throws for an unknown name. */
export function readerNamed(name: string): ReaderDescription {
  const found = readers.find((reader) => reader.name === name);
  if (found === undefined) throw new Error(`expected one of ${readers.map((reader) => reader.name).join(', ')}, found ${name}`);
  return found;
}
