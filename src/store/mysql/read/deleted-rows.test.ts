import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createConnection } from 'mysql2/promise';
import { MariadbServer, withoutMariadb } from '../../../../test/mariadb-server.ts';
import { commitOf, declaration, event } from '../../contract/fixtures.ts';
import { mysql } from '../mysql-store.ts';

const first = { pipeline: 'rockets', slice: 0 };
const second = { pipeline: 'rockets', slice: 1 };
const deletedMany = 5_000;
/** A long name, so that few entries fit on a page. */
const other = 'b'.repeat(300);
/** Enough pages for a few statements that each read an index's root, inner and leaf page. */
const few = 60;

/**
 * While a session keeps its snapshot, deleted rows are not removed. InnoDB recognises the end of a range by the next existing entry, which
 * lies beyond all deleted ones.
 */
test('few pages are read of a log and of a key’s data beside many deleted rows', { skip: withoutMariadb }, async () => {
  const server = await MariadbServer.start();
  const url = await server.createDatabase();
  const store = mysql(url, { partitions: 2 });
  const idle = await createConnection({ host: '127.0.0.1', port: server.port, user: 'root' });
  try {
    await store.open(declaration);
    await store.append(['a', 'a', 'a'].map((key, nth) => ({ ...event(first, key), number: nth + 1 })));
    const lease = await store.claim(second);
    await idle.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
    await store.append(Array.from({ length: deletedMany }, (_, nth) => ({ ...event(second, other), number: nth + 1 })));
    const keys = [{ key: other, state: null, next: deletedMany + 1, parked: false }];
    await lease.commit(commitOf({ cursor: deletedMany, keys, releases: [{ key: other, from: 1, to: deletedMany }] }));
    const everything = { acceptedBefore: Number.MAX_SAFE_INTEGER, idsBefore: 0, limit: 2 * deletedMany };
    for (let after: number | null = 0; after !== null; ) after = (await store.prune({ partition: second, ...everything, after })).after;
    // The server's own work may read pages during one of them.
    const pagesOf = async (read: () => Promise<readonly { readonly position: number }[]>) => {
      const found: number[] = [];
      for (let time = 0; time < 10; time += 1) {
        const before = await pagesRead(server);
        assert.deepEqual(
          (await read()).map(({ position }) => position),
          [1, 2, 3],
        );
        found.push((await pagesRead(server)) - before);
      }
      return Math.min(...found);
    };
    const log = await pagesOf(() => store.read(first, 0, 3));
    assert.ok(log < few, `log: found ${log} pages`);
    const held = await pagesOf(() => store.held(first, 'a', 1, 100));
    assert.ok(held < few, `held: found ${held} pages`);
  } finally {
    await idle.end();
    await store.close();
    await server.stop();
  }
});

async function pagesRead(server: MariadbServer): Promise<number> {
  const [row] = await server.query("SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_read_requests'");
  return Number(row?.Value);
}
