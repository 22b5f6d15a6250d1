import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { MillraceError } from '../../../errors.ts';
import { toStoreError } from '../../node-sqlite/sqlite-errors.ts';
import { migrateTables } from '../../node-sqlite/tables.ts';
import type { Opened, StoreDeclaration, StoreLogger } from '../../store.ts';
import { realPath } from '../file/database-file.ts';
import { type ConnectionOptions, openWriter, prepareWriter } from '../file/open-database.ts';
import { OpenFiles } from '../file/open-files.ts';
import { OwnerLock } from '../file/owner-lock.ts';
import { Room } from '../file/room.ts';
import { WriteLock } from '../file/write-lock.ts';
import { pausedOf } from '../partition/paused.ts';
import { Writer, weigh } from '../partition/writer.ts';
import { createSchema } from '../schema/schema.ts';
import { noteShapes } from '../schema/state-shapes.ts';
import { WalKeeper } from '../wal/wal-keeper.ts';
import { WriteAheadLog } from '../wal/write-ahead-log.ts';
import { GroupCommit } from './group-commit.ts';
import type { Request } from './thread-messages.ts';
import { perform, type Served, serve } from './thread-server.ts';

/*
 * The thread that owns the database and is the only one to write it, so that no request of the main thread ever waits for the disk. It
 * releases the database when it ends.
 */

export interface WriterThreadOptions extends ConnectionOptions {
  readonly declaration: StoreDeclaration;
  /** The channel to the thread that copies the write-ahead log into the database. */
  readonly checkpoints: MessagePort;
}

/** Items per transaction: some 20 ms, so that later ones do not wait long. */
const groupWeight = 5_000;

/** On a full disk, gives away as much of the reserve as necessary. */
function start(options: WriterThreadOptions, log: StoreLogger): Served {
  const room = new Room(realPath(options.path), log);
  for (;;) {
    try {
      return open(options, { log, room });
    } catch (error) {
      if (!(error instanceof MillraceError && error.code === 'MILL_STORE_FULL' && room.release())) throw error;
    }
  }
}

function open(
  { declaration, checkpoints: port, ...connection }: WriterThreadOptions,
  { log, room }: { readonly log: StoreLogger; readonly room: Room },
): Served {
  const db = openWriter(connection);
  let lock: OwnerLock | undefined;
  try {
    // SQLite's own name for the file, with links resolved: all names of one file are one database.
    const path = db.location() ?? connection.path;
    lock = OwnerLock.take(path);
    prepareWriter(db, path);
    const write = new WriteLock(db, connection.busyTimeoutMs);
    write.begin();
    createSchema(
      db,
      declaration.pipelines.map(({ name }) => name),
    );
    const reshaped = noteShapes(db, declaration.pipelines);
    migrateTables(db, declaration.tables);
    db.exec('COMMIT');
    const writer = new Writer(db, declaration);
    const files = new OpenFiles(db, path);
    room.opened();
    const group = new GroupCommit<Request>(
      db,
      { path, room, lock: write },
      { run: (request) => perform(writer, request), reload: () => writer.reload(), check: () => files.check() },
    );
    const keeper = new WalKeeper(db, {
      path,
      port,
      log,
      mayBeCopiedBeside: WriteAheadLog.mayBeCopiedBeside(db),
      emptied: () => files.rest(),
    });
    keeper.tend();
    return {
      started: {
        reshaped,
        // There is one slice.
        misplaced: [],
        paused: pausedOf(
          db,
          declaration.pipelines.map(({ name }) => name),
        ),
      } satisfies Opened,
      run: (requests, tell) => group.run(requests, tell),
      answered: () => keeper.tend(),
      close() {
        keeper.close();
        db.close();
        room.closed();
        lock?.release();
      },
    };
  } catch (error) {
    close(db, lock);
    throw toStoreError(error, connection.path);
  }
}

/** The lock goes last: until then nobody else may open the database. */
function close(db: ReturnType<typeof openWriter>, lock: OwnerLock | undefined): void {
  db.close();
  lock?.release();
}

if (parentPort !== null) serve(parentPort, { start: (log) => start(workerData, log), weigh, groupWeight });
