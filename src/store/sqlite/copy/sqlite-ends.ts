import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '../../../errors.ts';
import type { BegunCopy, CopySource, CopyTarget, EventPlace, PlacedEvent, TakeRows } from '../../copy/copy-ends.ts';
import type { CopiedRow, CopyPart } from '../../copy/copy-part.ts';
import { copying } from '../../copy/unfinished-copy.ts';
import { Select } from '../../node-sqlite/select.ts';
import { toStoreError } from '../../node-sqlite/sqlite-errors.ts';
import type { StoreDeclaration } from '../../store.ts';
import { realPath } from '../file/database-file.ts';
import { openReader, openWriter, prepareWriter } from '../file/open-database.ts';
import { OwnerLock } from '../file/owner-lock.ts';
import { readEventsAt } from '../partition/timeline-blocks.ts';
import { readVersion, schemaVersion } from '../schema/schema.ts';
import { sqlite } from '../sqlite-store.ts';
import { SqliteRows } from './sqlite-rows.ts';
import { SqliteWrites } from './sqlite-writes.ts';

const busyTimeoutMs = 2_000;

/** A file open for copying, while no server may be running. */
class SqliteEnd {
  readonly name: string;
  readonly slices = 1;
  protected readonly db: DatabaseSync;
  readonly #lock: OwnerLock;
  readonly #rows: SqliteRows;

  constructor(path: string, db: DatabaseSync, lock: OwnerLock) {
    this.name = `sqlite:${path}`;
    this.db = db;
    this.#lock = lock;
    this.#rows = new SqliteRows(db);
  }

  pipelines(): Promise<readonly string[]> {
    return this.guarded(() => this.#rows.pipelines());
  }

  /** A file has one slice. */
  async placementOf(): Promise<undefined> {
    return undefined;
  }

  tables(): Promise<readonly string[]> {
    return this.guarded(() => this.#rows.tables());
  }

  count(part: CopyPart): Promise<number> {
    return this.guarded(() => this.#rows.count(part));
  }

  read(part: CopyPart, from: number, take: TakeRows): Promise<void> {
    return this.guarded(() => this.#rows.read(part, from, take));
  }

  async close(): Promise<void> {
    this.db.close();
    this.#lock.release();
  }

  protected async guarded<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw toStoreError(error, this.name);
    }
  }
}

class SqliteSource extends SqliteEnd implements CopySource {
  epochs(): Promise<string> {
    return this.guarded(() => {
      const partitions = new Select<[string, number, number]>(
        this.db,
        'SELECT pipeline, epoch, cursor FROM millrace_partitions ORDER BY pipeline',
      );
      return JSON.stringify(partitions.all());
    });
  }

  eventsAt(pipeline: string, places: readonly EventPlace[]): Promise<readonly PlacedEvent[]> {
    const slice = 0;
    const positions = places.map(({ position }) => position);
    return this.guarded(() => readEventsAt(this.db, { pipeline, slice }, positions).map((event) => ({ ...event, slice })));
  }
}

class SqliteTarget extends SqliteEnd implements CopyTarget {
  readonly #writes: SqliteWrites;

  constructor(path: string, db: DatabaseSync, lock: OwnerLock) {
    super(path, db, lock);
    this.#writes = new SqliteWrites(db, this.name);
  }

  begun(): Promise<BegunCopy | undefined> {
    return this.guarded(() => this.#writes.begun());
  }

  begin(fingerprint: string): Promise<void> {
    return this.guarded(() => this.#writes.begin(fingerprint));
  }

  write(part: CopyPart, rows: readonly CopiedRow[], done: { readonly before: number; readonly after: number }): Promise<void> {
    return this.guarded(() => this.#writes.write(part, rows, done));
  }

  finish(): Promise<void> {
    return this.guarded(() => this.#writes.finish());
  }
}

/**
 * Opens a file to copy from; nothing is written to it. Throws `MILL_INVALID_CONFIGURATION` if it is missing or not a Millrace database,
 * `MILL_TABLE_CHANGED` for another version, `MILL_STORE_OWNED` while a server runs on it.
 */
export async function openSqliteSource(file: string): Promise<CopySource> {
  const path = realPath(resolve(file));
  if (!existsSync(path)) throw new MillraceError('MILL_INVALID_CONFIGURATION', `${path}: expected a database, found no file`);
  return opened(
    path,
    () => {
      const db = openReader({ path, busyTimeoutMs });
      const version = readVersion(db, path);
      if (version !== schemaVersion)
        throw new MillraceError(
          'MILL_TABLE_CHANGED',
          `${path}: expected tables of schema version ${schemaVersion}, found version ${version}. Run millrace migrate first.`,
        );
      return db;
    },
    SqliteSource,
  );
}

/**
 * Opens a file to copy into, created if missing, with the declared tables. Throws `MILL_STORE_OWNED` while a server runs on it, and what
 * opening a store throws.
 */
export async function openSqliteTarget(file: string, declaration: StoreDeclaration): Promise<CopyTarget> {
  const named = resolve(file);
  if (!isCopying(named)) {
    const store = sqlite(named);
    await store.open(declaration);
    await store.close();
  }
  const path = realPath(named);
  return opened(
    path,
    () => {
      const db = openWriter({ path, busyTimeoutMs });
      prepareWriter(db, path);
      return db;
    },
    SqliteTarget,
  );
}

/** The lock comes first: anything read earlier might have changed by then. */
function opened<End>(path: string, open: () => DatabaseSync, End: new (path: string, db: DatabaseSync, lock: OwnerLock) => End): End {
  const lock = OwnerLock.take(path);
  let db: DatabaseSync | undefined;
  try {
    db = open();
    return new End(path, db, lock);
  } catch (error) {
    db?.close();
    lock.release();
    throw toStoreError(error, path);
  }
}

function isCopying(path: string): boolean {
  if (!existsSync(path)) return false;
  const db = openReader({ path, busyTimeoutMs });
  try {
    const hasMeta = new Select<[1]>(db, "SELECT 1 FROM sqlite_schema WHERE name = 'millrace_meta'").get() !== undefined;
    return (
      hasMeta && new Select<[string | number]>(db, "SELECT value FROM millrace_meta WHERE name = 'schema_version'").get()?.[0] === copying
    );
  } catch (error) {
    throw toStoreError(error, path);
  } finally {
    db.close();
  }
}
