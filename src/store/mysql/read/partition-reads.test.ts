import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MariadbServer, withoutMariadb } from '../../../../test/mariadb-server.ts';
import { commitOf, declaration, event, timer } from '../../contract/fixtures.ts';
import { mysql } from '../mysql-store.ts';

const visits = { pipeline: 'visits', slice: 0 };
const keys = ['a', 'b', 'c'];

test('the log, states and causes are read without an on-disk table, within their limits', { skip: withoutMariadb }, async () => {
  const server = await MariadbServer.start();
  const store = mysql(await server.createDatabase(), { partitions: 1 });
  try {
    await store.open(declaration);
    const lease = await store.claim(visits);
    const body = JSON.stringify('x'.repeat(1_000));
    await store.append(keys.map((key) => ({ ...event(visits, key), body })));
    const state = { json: body, version: 1 };
    await lease.commit(
      commitOf({
        cursor: 1,
        keys: keys.map((key) => ({ key, state, next: null, parked: false })),
        timers: keys.map((key, nth) => timer(key, 'wake', nth)),
      }),
    );
    const tablesOnDisk = async () => {
      const [row] = await server.query("SHOW GLOBAL STATUS LIKE 'Created_tmp_disk_tables'");
      return Number(row?.Value);
    };
    const before = await tablesOnDisk();
    for (const charactersMax of [1_000_000, 1_500]) {
      const some = charactersMax === 1_500 ? keys.slice(0, 2) : keys;
      const events = await store.read(visits, 0, 10, { charactersMax });
      assert.deepEqual(
        events.map(({ key }) => key),
        some,
      );
      const records = await store.load(visits, keys, { charactersMax });
      assert.deepEqual(
        records.map(({ state: found, timers }) => [found?.json, timers.length]),
        some.map(() => [body, 1]),
      );
    }
    assert.equal((await tablesOnDisk()) - before, 0);
  } finally {
    await store.close();
    await server.stop();
  }
});
