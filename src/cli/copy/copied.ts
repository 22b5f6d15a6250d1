import { schedulesName } from '../../engine/schedules/schedules.ts';
import { schedulesDeclared, slicing, storeDeclarationOf } from '../../engine/store-declaration.ts';
import { linesOf, positionsIn } from '../../engine/timeline-lines.ts';
import { MillraceError } from '../../errors.ts';
import type { AnyPipeline } from '../../pipeline/pipeline.ts';
import type { CopySource, CopyTarget } from '../../store/copy/copy-ends.ts';
import { type Copied, type CopyProgress, copyStore } from '../../store/copy/copy-store.ts';
import { mysqlServers } from '../../store/mysql/copy/mysql-servers.ts';
import { postgresServers } from '../../store/postgres/copy/postgres-servers.ts';
import { openSource as openSqlSource, openTarget as openSqlTarget } from '../../store/sql/copy/open-ends.ts';
import { openSqliteSource, openSqliteTarget } from '../../store/sqlite/copy/sqlite-ends.ts';
import type { StoreDeclaration } from '../../store/store.ts';
import { type Database, describeDatabase } from '../database.ts';
import { migrateTo } from '../migrate/migrate-to.ts';
import { type Progress, progressOf } from '../progress.ts';
import { endByOrder, firstStopOrder, type StopOrders } from '../stop-orders.ts';
import { UsageError } from '../usage-error.ts';
import { describeCopy } from './report.ts';

/** As typed. */
export interface Flags {
  readonly from: string;
  readonly to: string;
  readonly json?: true;
}

interface Copying {
  readonly from: Database;
  readonly to: Database;
  readonly isJson: boolean;
  readonly pipelines: readonly AnyPipeline[];
  readonly orders: StopOrders;
}

/**
 * Copies, reports progress, and returns the text to print. When asked to stop, it ends the process after the rows under way, except those
 * that a server does not acknowledge.
 */
export async function copied({ from, to, isJson, pipelines, orders }: Copying): Promise<string> {
  checkApart(from, to);
  const stop = firstStopOrder(orders);
  const interrupted = new AbortController();
  const began = performance.now();
  const bar = new RowsBar();
  const copying = copyBetween({ from, to, pipelines }, { signal: interrupted.signal, progress: bar });
  const ended = Promise.allSettled([copying]).then(() => bar.end());
  const order = await Promise.race([ended, stop]);
  if (order !== undefined) {
    interrupted.abort();
    await ended;
    process.stderr.write('millrace: the copy is incomplete; run the same command again to continue it\n');
    endByOrder(order);
  }
  const copy = await copying;
  const durationMs = Math.round(performance.now() - began);
  const names = { from: describeDatabase(from), to: describeDatabase(to) };
  return isJson ? `${JSON.stringify({ ...names, durationMs, verified: true, ...copy })}\n` : describeCopy(copy, { ...names, durationMs });
}

interface Work {
  readonly signal: AbortSignal;
  readonly progress: CopyProgress;
}

async function copyBetween(
  { from, to, pipelines }: Pick<Copying, 'from' | 'to' | 'pipelines'>,
  { signal, progress }: Work,
): Promise<Copied> {
  const declared = storeDeclarationOf(pipelines);
  const source = await openSource(from, signal);
  let target: CopyTarget | undefined;
  try {
    const declaration = await withSchedules(declared, source);
    await checkUpToDate({ from, source, signal }, declaration);
    target = await openTarget(to, declaration, signal);
    return await copyStore(source, target, {
      pipelines: declaration.pipelines.map(({ name }) => name),
      tables: declaration.tables,
      sliceOf: slicing(pipelines, target.slices),
      timeline: { positionsIn, linesOf },
      signal,
      progress,
    });
  } finally {
    await Promise.all([source.close(), target?.close()]);
  }
}

/** A schedule that is no longer declared resumes once it is declared again. */
async function withSchedules(declared: StoreDeclaration, source: CopySource): Promise<StoreDeclaration> {
  const isMissing = !declared.pipelines.some(({ name }) => name === schedulesName);
  if (!isMissing || !(await source.pipelines()).includes(schedulesName)) return declared;
  return { ...declared, pipelines: [...declared.pipelines, schedulesDeclared] };
}

/** Throws `MILL_TABLE_CHANGED` if a declared table differs in the source. */
async function checkUpToDate(
  { from, source, signal }: { readonly from: Database; readonly source: CopySource; readonly signal: AbortSignal },
  { pipelines, tables }: StoreDeclaration,
): Promise<void> {
  const [present, presentTables] = [await source.pipelines(), await source.tables()];
  const there = {
    pipelines: pipelines.filter(({ name }) => present.includes(name)),
    tables: tables.filter(({ name }) => presentTables.includes(name)),
  };
  const [first] = await migrateTo(from, there, { isDry: true, signal });
  if (first === undefined) return;
  const problem = `expected the tables to match their declarations, but ${first.split(/\s*\n/)[0]} is pending. Run millrace migrate first.`;
  throw new MillraceError('MILL_TABLE_CHANGED', `${source.name}: ${problem}`);
}

function openSource(database: Database, signal: AbortSignal): Promise<CopySource> {
  if (database.kind === 'memory') throw new UsageError('--from: expected a persistent database, found memory:');
  if (database.kind === 'sqlite') return openSqliteSource(database.path);
  return database.kind === 'mysql'
    ? openSqlSource(mysqlServers, { ...database, signal })
    : openSqlSource(postgresServers, { ...database, signal });
}

function openTarget(database: Database, declaration: StoreDeclaration, signal: AbortSignal): Promise<CopyTarget> {
  if (database.kind === 'memory') throw new UsageError('--to: expected a persistent database, found memory:');
  if (database.kind === 'sqlite') return openSqliteTarget(database.path, declaration);
  return database.kind === 'mysql'
    ? openSqlTarget(mysqlServers, { ...database, signal }, declaration)
    : openSqlTarget(postgresServers, { ...database, signal }, declaration);
}

/** Between two servers of one kind, the server's own tools copy better. */
function checkApart(from: Database, to: Database): void {
  if (from.kind === to.kind && (from.kind === 'postgres' || from.kind === 'mysql')) {
    const programs = from.kind === 'postgres' ? 'pg_dump and pg_restore copy' : 'mysqldump copies';
    throw new UsageError(`--to: expected a file or another kind of database server; ${programs} between servers of one kind`);
  }
  if (describeDatabase(from) === describeDatabase(to))
    throw new UsageError(`--to: expected a database other than ${describeDatabase(from)}`);
}

/** Shows the number of rows copied, and then verified, on a terminal. */
class RowsBar implements CopyProgress {
  #bar: Progress | undefined;

  begin(stage: 'copying' | 'verifying', { total, there }: { readonly total: number; readonly there: number }): void {
    this.#bar?.end();
    this.#bar = progressOf(total);
    if (there > 0) {
      const share = `${there.toLocaleString('en')} of ${total.toLocaleString('en')} rows copied so far`;
      this.#bar.print(process.stderr, `millrace: continuing an interrupted copy: ${share}\n`);
      this.#bar.step(there);
    }
    this.#bar.status(stage);
  }

  step(rows: number): void {
    this.#bar?.step(rows);
  }

  end(): void {
    this.#bar?.end();
    this.#bar = undefined;
  }
}
