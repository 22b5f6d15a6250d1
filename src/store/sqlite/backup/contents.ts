import type { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '../../../errors.ts';
import { Select } from '../../node-sqlite/select.ts';
import { pipelinesOf, tablesOf } from '../schema/pipeline-tables.ts';
import { readVersion } from '../schema/schema.ts';

/** The position of a pipeline. Cheap to read, however large the database is. */
export interface PipelineStanding {
  readonly pipeline: string;
  /** The position up to which events are settled. */
  readonly cursor: number;
  /** The position of the newest event: the greater of the last one in the log and the cursor, since settled events are deleted. */
  readonly head: number;
}

/** The contents of a database for one pipeline. */
interface PipelineContents extends PipelineStanding {
  /** The events in the log, settled or not. */
  readonly events: number;
  /** The time at which the newest event in the log was accepted, in milliseconds since 1970; null without one. */
  readonly newestAcceptedAt: number | null;
}

/** The contents of a database. */
export interface DatabaseContents {
  readonly schemaVersion: number;
  readonly bytes: number;
  /** Declared or not, in name order. */
  readonly pipelines: readonly PipelineContents[];
}

/** Reads the position of each pipeline. Throws like {@link readVersion}. */
export function readStandings(db: DatabaseSync, path: string): readonly PipelineStanding[] {
  readVersion(db, path);
  return pipelinesOf(db).map((pipeline) => readStanding(db, pipeline));
}

/**
 * Checks every page, index and constraint, and that counts agree, and returns the contents. Takes as long as reading the whole file. Throws
 * `MILL_STORE_CORRUPT` for a damaged one, and like {@link readVersion}.
 */
export function verifyContents(db: DatabaseSync, path: string): DatabaseContents {
  checkIntegrity(db, path);
  const schemaVersion = readVersion(db, path);
  return { schemaVersion, bytes: bytesOf(db), pipelines: pipelinesOf(db).map((pipeline) => readContents(db, pipeline, path)) };
}

/** Returns the size of a database by its pages, in bytes. */
export function bytesOf(db: DatabaseSync): number {
  return new Select<[number]>(db, 'SELECT page_count * page_size FROM pragma_page_count, pragma_page_size').get()?.[0] ?? 0;
}

/** Throws `MILL_STORE_CORRUPT` if a copy's position differs from its original's at that moment. */
export function checkSameStandings(original: readonly PipelineStanding[], copy: readonly PipelineStanding[], path: string): void {
  for (const [at, { pipeline, cursor, head }] of original.entries()) {
    const found = copy[at];
    if (found?.pipeline === pipeline && found.cursor === cursor && found.head === head) continue;
    const copied = found === undefined ? 'none' : `${found.pipeline} with ${found.cursor} and ${found.head}`;
    damaged(path, `expected pipeline ${pipeline} with cursor ${cursor} and head ${head} in the copy, found ${copied}`);
  }
  if (copy.length > original.length) damaged(path, `expected ${original.length} pipelines in the copy, found ${copy.length}`);
}

function readStanding(db: DatabaseSync, pipeline: string): PipelineStanding {
  const [cursor = 0] =
    new Select<[number | null]>(db, 'SELECT max(cursor) FROM millrace_partitions WHERE pipeline = ?').get(pipeline) ?? [];
  const [last = 0] = new Select<[number | null]>(db, `SELECT max(position) FROM ${tablesOf(pipeline).log}`).get() ?? [];
  return { pipeline, cursor: cursor ?? 0, head: Math.max(cursor ?? 0, last ?? 0) };
}

function readContents(db: DatabaseSync, pipeline: string, path: string): PipelineContents {
  const { log } = tablesOf(pipeline);
  const standing = readStanding(db, pipeline);
  checkUnsettled(db, standing, path);
  const [events = 0] = new Select<[number]>(db, `SELECT count(*) FROM ${log}`).get() ?? [];
  const [newestAcceptedAt = null] = new Select<[number]>(db, `SELECT accepted_at FROM ${log} ORDER BY position DESC LIMIT 1`).get() ?? [];
  return { ...standing, events, newestAcceptedAt };
}

/** Unsettled events are dense: the engine takes a missing position among them for damage. A half-deleted pipeline lacks the first ones. */
function checkUnsettled(db: DatabaseSync, { pipeline, cursor }: PipelineStanding, path: string): void {
  const unsettled = new Select<[count: number, first: number, last: number]>(
    db,
    `SELECT count(*), coalesce(min(position), 1), coalesce(max(position), 0) FROM ${tablesOf(pipeline).log} WHERE position > ?`,
  );
  const [count = 0, first = 1, last = 0] = unsettled.get(cursor) ?? [];
  if (count === last - first + 1) return;
  damaged(path, `expected ${last - first + 1} events in positions ${first} to ${last} of pipeline ${pipeline}, found ${count}`);
}

/** A user's index may need a function that only the user's program has. In that case indexes are not read. */
function checkIntegrity(db: DatabaseSync, path: string): void {
  const found = foundBy(db, 'integrity_check(1)') ?? foundBy(db, 'quick_check(1)');
  if (found !== 'ok') damaged(path, found?.split('\n').at(-1) ?? 'it cannot be checked');
}

function foundBy(db: DatabaseSync, check: string): string | undefined {
  try {
    return new Select<[string]>(db, `PRAGMA ${check}`).get()?.[0];
  } catch (error) {
    if (isUnknownFunction(error)) return undefined;
    throw error;
  }
}

function isUnknownFunction(error: unknown): boolean {
  return error instanceof Error && /^(unknown|no such) function/.test(error.message);
}

function damaged(path: string, fault: string): never {
  throw new MillraceError('MILL_STORE_CORRUPT', `${path}: the database file is damaged: ${fault}`);
}
