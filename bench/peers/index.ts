import type { MakePeer } from './peer.ts';

/** A description of a peer, available without starting it. */
export interface PeerDescription {
  readonly name: string;
  readonly title: string;
  readonly server: 'none' | 'postgres' | 'mariadb' | 'redis';
  /** The failures that an acknowledged event survives, and the setting responsible. */
  readonly durability: string;
  /** The mechanism that keeps the events of a key in order. */
  readonly order: string;
  /** The transaction that state, history and the end of the event share. */
  readonly transaction: string;
  /** Loads it. Only the process that hosts the peer does so. */
  load(): Promise<MakePeer>;
}

const postgresDefaults = 'power loss (Postgres defaults)';
const mariadbDefaults = 'power loss (MariaDB defaults)';

/** All peers: Millrace, then the limit, on each database; then the others. */
const all: readonly PeerDescription[] = [
  {
    name: 'millrace',
    title: 'Millrace (SQLite)',
    server: 'none',
    durability: 'power loss (SQLite WAL, synchronous=FULL)',
    order: 'key',
    transaction: 'state, history and cursor',
    load: async () => (await import('./millrace-sqlite.ts')).makeMillraceOnSqlite,
  },
  {
    name: 'bare-sqlite',
    title: 'bare SQLite loop',
    server: 'none',
    durability: 'power loss (SQLite WAL, synchronous=FULL)',
    order: 'one loop',
    transaction: 'state, history and cursor',
    load: async () => (await import('./bare-sqlite.ts')).makeBareSqlite,
  },
  {
    name: 'millrace-postgres',
    title: 'Millrace (Postgres)',
    server: 'postgres',
    durability: postgresDefaults,
    order: 'key',
    transaction: 'state, history and cursor',
    load: async () => (await import('./millrace-postgres.ts')).makeMillraceOnPostgres,
  },
  ...[50, 500, 2_000].map((eventsPerCommit) => ({
    name: `bare-postgres-${eventsPerCommit}`,
    title: `bare pg loop, ${eventsPerCommit}`,
    server: 'postgres' as const,
    durability: postgresDefaults,
    order: 'one loop',
    transaction: 'state, history and cursor',
    load: async () => (await import('./bare-postgres.ts')).bareLoopOf(eventsPerCommit),
  })),
  {
    name: 'millrace-mysql',
    title: 'Millrace (MariaDB)',
    server: 'mariadb',
    durability: mariadbDefaults,
    order: 'key',
    transaction: 'state, history and cursor',
    load: async () => (await import('./millrace-mysql.ts')).makeMillraceOnMysql,
  },
  ...[50, 500, 2_000].map((eventsPerCommit) => ({
    name: `bare-mysql-${eventsPerCommit}`,
    title: `bare mysql2 loop, ${eventsPerCommit}`,
    server: 'mariadb' as const,
    durability: mariadbDefaults,
    order: 'one loop',
    transaction: 'state, history and cursor',
    load: async () => (await import('./bare-mysql.ts')).bareLoopOf(eventsPerCommit),
  })),
  {
    name: 'graphile-worker',
    title: 'graphile-worker 0.18',
    server: 'postgres',
    durability: postgresDefaults,
    order: 'queueName per key',
    transaction: 'state and history; the job ends in another',
    load: async () => (await import('./graphile-worker.ts')).makeGraphileWorker,
  },
  {
    name: 'bullmq',
    title: 'BullMQ 6.7',
    server: 'redis',
    durability: 'power loss (Redis appendfsync always)',
    order: 'none without Pro',
    transaction: 'state and history (MULTI); the job ends in another',
    load: async () => (await import('./bullmq.ts')).makeBullmq,
  },
  {
    name: 'pg-boss',
    title: 'pg-boss 12.38',
    server: 'postgres',
    durability: postgresDefaults,
    order: 'key_strict_fifo',
    transaction: 'state, history and the end of the job',
    load: async () => (await import('./pg-boss.ts')).makePgBoss,
  },
  {
    name: 'dbos',
    title: 'DBOS 5.3',
    server: 'postgres',
    durability: postgresDefaults,
    order: 'partition per key',
    transaction: 'state and history; step and workflow end in others',
    load: async () => (await import('./dbos.ts')).makeDbos,
  },
];

/** The peers of each comparison: with Millrace on SQLite, and with all on Postgres or MariaDB; Millrace first. */
export const comparisons = {
  sqlite: ['millrace', 'bare-sqlite', 'graphile-worker', 'bullmq', 'pg-boss', 'dbos'],
  postgres: ['millrace-postgres', 'bare-postgres-50', 'bare-postgres-500', 'bare-postgres-2000', 'graphile-worker', 'pg-boss', 'dbos'],
  mysql: ['millrace-mysql', 'bare-mysql-50', 'bare-mysql-500', 'bare-mysql-2000'],
} as const;

/** Throws for an unknown name. */
export function peerNamed(name: string): PeerDescription {
  const found = all.find((peer) => peer.name === name);
  if (found === undefined) throw new Error(`expected one of ${all.map((peer) => peer.name).join(', ')}, found ${name}`);
  return found;
}
