import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { Cleanup } from '../servers/cleanup.ts';
import { PostgresServer } from '../servers/postgres.ts';
import { untilEven } from '../servers/until-even.ts';
import { Members } from './members.ts';
import { StatementCounts, type Statements, statementsBetween } from './statement-counts.ts';
import { type TableSize, tableSizes } from './table-sizes.ts';

/** How a session that sits idle in a transaction has begun it; `none`: there is none. */
export const sessions = {
  none: undefined,
  /** Between two of its statements it has no snapshot, and so keeps no row. */
  'read-committed': 'BEGIN ISOLATION LEVEL READ COMMITTED; SELECT count(*) FROM millrace_pipelines',
  /** Keeps every row that was there when it began, or came later, as a report or a dump does. */
  'repeatable-read': 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM millrace_pipelines',
} as const;

export interface TablesSettings {
  readonly members: number;
  readonly keys: number;
  /** Events per second, of all members together. */
  readonly rate: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly idleSeconds: number;
  readonly session: keyof typeof sessions;
}

/** A part of the load. */
export interface LoadPart {
  readonly events: number;
  readonly seconds: number;
  /** Batches that were refused, and brought again. */
  readonly refusals: number;
  readonly statements: Statements;
}

/** A fleet without work. */
export interface IdlePart {
  readonly seconds: number;
  readonly statements: Statements;
}

export interface TablesResult {
  readonly retainSeconds: number;
  /** Before any event, and in the end. */
  readonly idle: { readonly before: IdlePart; readonly after: IdlePart };
  readonly halves: readonly [LoadPart, LoadPart];
  readonly sizes: { readonly start: readonly TableSize[]; readonly middle: readonly TableSize[]; readonly end: readonly TableSize[] };
  /** Once the session has ended and everything is vacuumed: what can be used again, or was given back. */
  readonly vacuumed: readonly TableSize[];
  /** Events that no state counts, or that states count twice. */
  readonly miscounted: number;
}

/** Of the time of the load, so long logs and ids are kept. */
const retainedShare = 1 / 5;
const calmMs = 3_000;

/** A fleet under load while a session sits idle in a transaction, and without work; on a server of its own. */
export async function measureTables(folder: string, settings: TablesSettings, cleanup: Cleanup): Promise<TablesResult> {
  const server = await PostgresServer.start(folder, cleanup, ['shared_preload_libraries=pg_stat_statements']);
  const url = await server.newDatabase();
  const retainSeconds = Math.max(1, Math.round(settings.seconds * retainedShare));
  const counts = await StatementCounts.open(url);
  const members = await Members.start({ url, retain: `${retainSeconds}s`, count: settings.members, keys: settings.keys }, cleanup);
  const client = await connect(url);
  await untilEven(client, settings.members);
  const idleBefore = await idlePart(counts, settings.idleSeconds);
  const warmUp = eventsOf(await members.load(settings.rate, settings.warmUpSeconds));
  const session = await connect(url);
  const begin = sessions[settings.session];
  if (begin !== undefined) await session.query(begin);
  const start = await tableSizes(client);
  const first = await loadPart(members, counts, settings);
  const middle = await tableSizes(client);
  const second = await loadPart(members, counts, settings);
  const end = await tableSizes(client);
  await session.end();
  const late = eventsOf(await members.settle());
  const miscounted = (await countOfStates(client)) - warmUp - first.events - second.events - late;
  const idleAfter = await idlePart(counts, settings.idleSeconds);
  await members.stop();
  await client.query('VACUUM');
  const vacuumed = await tableSizes(client);
  await Promise.all([client.end(), counts.close()]);
  return {
    retainSeconds,
    idle: { before: idleBefore, after: idleAfter },
    halves: [first, second],
    sizes: { start, middle, end },
    vacuumed,
    miscounted: Math.abs(miscounted),
  };
}

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  // The server goes before it, in the end.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function loadPart(members: Members, counts: StatementCounts, { rate, seconds }: TablesSettings): Promise<LoadPart> {
  const before = await counts.soFar();
  const taken = await members.load(rate, seconds / 2);
  const statements = statementsBetween(before, await counts.soFar());
  const refusals = taken.reduce((sum, one) => sum + one.refusals, 0);
  return { events: eventsOf(taken), seconds: Math.max(...taken.map((one) => one.seconds)), refusals, statements };
}

async function idlePart(counts: StatementCounts, seconds: number): Promise<IdlePart> {
  await sleep(calmMs);
  const before = await counts.soFar();
  await sleep(seconds * 1_000);
  return { seconds, statements: statementsBetween(before, await counts.soFar()) };
}

function eventsOf(taken: readonly { readonly events: number }[]): number {
  return taken.reduce((sum, { events }) => sum + events, 0);
}

async function countOfStates(client: Client): Promise<number> {
  const { rows } = await client.query<{ count: number }>("SELECT sum((state::json ->> 'count')::int8)::float8 AS count FROM millrace_keys");
  return rows[0]?.count ?? 0;
}
