#!/usr/bin/env bash
# node:sqlite of Node.js 26.10.0 (npm package node@26.10.0), better-sqlite3 13.2.0 and libsql 0.5.29: the number 42 goes into a TEXT column as
# "42.0", and with libsql ten successive microseconds go in as two texts.
#
# Node.js documents that a number becomes INTEGER or REAL. All three drivers bind every number as REAL, whole or not. A column that is declared
# INTEGER turns 42.0 back into 42, so nobody notices. A TEXT column stores the text of a REAL: an order number that one service sends as 42 and
# another as "42" is two keys, and a unique index on the key lets both in. It also happens without a column: `'job-' || ?` is "job-42.0",
# and json_object('n', ?) writes 42.0. A BigInt is bound as INTEGER and has none of this.
#
# The SQLite in libsql writes a REAL with 15 digits. Ids or times with 16, such as microseconds, are exact as numbers of JavaScript and in an INTEGER
# column, but in a TEXT column ten of them share one text: an inbox with `ON CONFLICT DO NOTHING` drops new events as duplicates.
#
# Seen: a TEXT primary key takes "42", then ignores 42n, and takes 42 as "42.0", in all three. Of ten successive microseconds node:sqlite and
# better-sqlite3 keep ten keys; libsql keeps two, such as 1.76461487500001e+15. `SELECT typeof(?)` says "real" for 42 and "integer" for 42n.
#
# Exits 0 as long as the three do that.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund node@26.10.0 better-sqlite3@13.2.0 libsql@0.5.29

cat > numbers.mjs <<'JS'
import { DatabaseSync } from 'node:sqlite';
import BetterSqlite from 'better-sqlite3';
import Libsql from 'libsql';

const drivers = { 'node:sqlite': [DatabaseSync, 10], 'better-sqlite3': [BetterSqlite, 10], libsql: [Libsql, 2] };
const microseconds = Array.from({ length: 10 }, (_, n) => 1_764_614_875_000_001 + n);
let isAsDescribed = true;
for (const [name, [Driver, distinct]] of Object.entries(drivers)) {
  const database = new Driver(':memory:');
  database.exec('CREATE TABLE inbox (id TEXT PRIMARY KEY)');
  const insert = database.prepare('INSERT INTO inbox VALUES (?) ON CONFLICT DO NOTHING');
  /** What the inbox holds after these ids have come in. */
  const held = (ids) => {
    database.exec('DELETE FROM inbox');
    for (const id of ids) insert.run(id);
    return database.prepare('SELECT id FROM inbox ORDER BY id').all().map(({ id }) => id);
  };
  const keys = held(['42', 42n, 42]).join(' and ');
  const times = held(microseconds);
  const { type, big, text, json } = database
    .prepare("SELECT typeof(?) AS type, typeof(?) AS big, 'job-' || ? AS text, json_object('n', ?) AS json")
    .get(42, 42n, 42, 42);
  console.log(`${name}: keys ${keys}; ${type}, ${big}, ${text}, ${json}; ${times.length} of 10 microseconds, the first as ${times[0]}`);
  isAsDescribed &&= `${keys}; ${type}, ${big}, ${text}, ${json}` === '42 and 42.0; real, integer, job-42.0, {"n":42.0}';
  isAsDescribed &&= times.length === distinct;
}
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node_modules/.bin/node numbers.mjs
