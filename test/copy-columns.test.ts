import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import test, { after, before } from 'node:test';
import { MariadbServer, withoutMariadb } from './mariadb-server.ts';
import { PostgresServer, withoutPostgres } from './postgres-server.ts';
import { Yard } from './yard.ts';

let postgres: PostgresServer;
let mariadb: MariadbServer;
const skip = withoutPostgres || withoutMariadb;

before(async () => {
  if (skip === false) [postgres, mariadb] = await Promise.all([PostgresServer.start(), MariadbServer.start()]);
});
after(() => Promise.all([postgres?.stop(), mariadb?.stop()]));

/** The hours that a clock in Berlin shows twice, and years at the limits of four digits. */
const moments = ['0000-03-01T00:00:00.001Z', '2026-10-25T00:30:00.700Z', '2026-10-25T01:30:00.700Z', '9999-12-31T23:59:59.999Z'];

test('moments, enumerations and texts with a length are copied, from a file to PostgreSQL, back, to MariaDB and back', {
  skip,
}, async (context) => {
  const yard = new Yard(context, {});
  const environment = { TZ: 'Europe/Berlin' };
  const rowsOf = (file: string) => {
    const db = new DatabaseSync(yard.path(file));
    try {
      return db.prepare('SELECT * FROM processed_events ORDER BY id').all();
    } finally {
      db.close();
    }
  };
  const listOn = async (database: string, work: (url: string) => Promise<unknown> = async () => undefined) => {
    const program = yard.start(['serve', 'events', '--port', '0', '--database', database], { environment });
    const url = await program.listening();
    await work(url);
    const { items } = Object(await (await fetch(`${url}/events?limit=100`)).json());
    assert.equal((await program.kill('SIGTERM')).code, 0);
    return items as readonly { readonly created_at: string }[];
  };
  const events = moments.map((timestamp, nth) => ({
    ...{ id: `193270a9-c9cf-404a-8f83-00000000000${nth}`, type: 'sensor_data', source: 'web', timestamp, data: { nth } },
    ...(nth > 0 && { user_id: '🚀'.repeat(50) }),
  }));
  const first = await listOn('./first.db', (url) => fetch(`${url}/events/batch`, { method: 'POST', body: JSON.stringify({ events }) }));
  assert.deepEqual(
    first.map(({ created_at }) => created_at),
    moments.toReversed(),
  );
  const databases = ['./first.db', await postgres.createDatabase(), './second.db', await mariadb.createDatabase(), './third.db'];
  for (const [nth, to] of databases.slice(1).entries()) {
    const words = ['copy', 'events', '--from', databases[nth] ?? '', '--to', to];
    const copied = await yard.start(words, { environment: { TZ: 'America/New_York' } }).ended;
    assert.deepEqual([copied.code, copied.stderr], [0, ''], to);
    if (to.startsWith('.')) assert.deepEqual(rowsOf(to), rowsOf('first.db'));
    assert.deepEqual(await listOn(to), first, to);
  }
});
