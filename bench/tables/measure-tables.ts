import { setTimeout as sleep } from 'node:timers/promises';
import type { Cleanup } from '../servers/cleanup.ts';
import { untilEven } from '../servers/until-even.ts';
import type { GrowthDatabase, GrowthKind, SessionLevel, StartDatabase } from './database.ts';
import { Members } from './members.ts';
import { startMysql } from './mysql-database.ts';
import { startPostgres } from './postgres-database.ts';
import { type Statements, statementsBetween } from './statement-counts.ts';
import type { TableSize } from './table-sizes.ts';

export interface TablesSettings {
  readonly kind: GrowthKind;
  readonly members: number;
  readonly keys: number;
  /** Events per second, of all members together. */
  readonly rate: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly idleSeconds: number;
  readonly session: SessionLevel;
}

/** A part of the load. */
export interface LoadPart {
  readonly events: number;
  readonly seconds: number;
  /** Batches that were refused, and sent again. */
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
  /** After the session has ended and the server has cleaned up: space that is reusable, or was returned. */
  readonly vacuumed: readonly TableSize[];
  /** Events that states count twice; negative for events that no state counts. */
  readonly miscounted: number;
}

const starts: Readonly<Record<GrowthKind, StartDatabase>> = { postgres: startPostgres, mysql: startMysql };

/** Retention of logs and ids, as a share of the load's duration. */
const retainedShare = 1 / 5;
const calmMs = 3_000;
/** A process is idle although another one has yet to handle the events it took in; that takes no longer than this. */
const countMs = 30_000;
const recountMs = 200;

/** Measures a fleet under load while a session sits idle in a transaction, and without work; on its own server. */
export async function measureTables(folder: string, settings: TablesSettings, cleanup: Cleanup): Promise<TablesResult> {
  const database = await starts[settings.kind](folder, cleanup);
  const { url } = database;
  const retainSeconds = Math.max(1, Math.round(settings.seconds * retainedShare));
  const members = await Members.start({ url, retain: `${retainSeconds}s`, count: settings.members, keys: settings.keys }, cleanup);
  await untilEven({ query: async (sql) => ({ rows: await database.query(sql) }) }, settings.members);
  const idleBefore = await idlePart(database, settings.idleSeconds);
  const warmUp = eventsOf(await members.load(settings.rate, settings.warmUpSeconds));
  const endSession = await database.sitIdle(settings.session);
  const start = await database.sizes();
  const first = await loadPart(members, database, settings);
  const middle = await database.sizes();
  const second = await loadPart(members, database, settings);
  const end = await database.sizes();
  await endSession();
  const late = eventsOf(await members.settle());
  const miscounted = await miscountedOf(database, warmUp + first.events + second.events + late);
  const idleAfter = await idlePart(database, settings.idleSeconds);
  await members.stop();
  await database.tidy();
  const vacuumed = await database.sizes();
  return {
    retainSeconds,
    idle: { before: idleBefore, after: idleAfter },
    halves: [first, second],
    sizes: { start, middle, end },
    vacuumed,
    miscounted,
  };
}

async function loadPart(members: Members, database: GrowthDatabase, { rate, seconds }: TablesSettings): Promise<LoadPart> {
  const before = await database.statements();
  const taken = await members.load(rate, seconds / 2);
  const statements = statementsBetween(before, await database.statements());
  const refusals = taken.reduce((sum, one) => sum + one.refusals, 0);
  return { events: eventsOf(taken), seconds: Math.max(...taken.map((one) => one.seconds)), refusals, statements };
}

async function idlePart(database: GrowthDatabase, seconds: number): Promise<IdlePart> {
  await sleep(calmMs);
  const before = await database.statements();
  await sleep(seconds * 1_000);
  return { seconds, statements: statementsBetween(before, await database.statements()) };
}

/** Recounts until the states have all events. */
async function miscountedOf(database: GrowthDatabase, events: number): Promise<number> {
  for (const until = performance.now() + countMs; ; await sleep(recountMs)) {
    const miscounted = (await database.countOfStates()) - events;
    if (miscounted === 0 || performance.now() > until) return miscounted;
  }
}

function eventsOf(taken: readonly { readonly events: number }[]): number {
  return taken.reduce((sum, { events }) => sum + events, 0);
}
