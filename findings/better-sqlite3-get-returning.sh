#!/usr/bin/env bash
# better-sqlite3 13.2.0: `get()` returns the row of an `INSERT … RETURNING` that was rolled back.
#
# The documentation of `get()` says that it throws when the execution of the statement fails. A statement with RETURNING hands out its rows
# before it commits, so a COMMIT that fails comes to light only when the statement is reset. SQLite's manual of sqlite3_reset() warns of exactly
# this case. `get()` reads one row, resets the statement, and ignores what the reset returns. The caller gets an id that is in no table.
#
# Two ways to meet it: a reader in another process that is still at work when the time-out of the writer has passed (without WAL, a commit needs
# the readers to finish), and a deferred foreign key without its parent. A queue that accepts a job by `INSERT … RETURNING id` loses that job
# after it has confirmed it. `all()` and `run()` throw, and so does `get()` of node:sqlite. Drizzle 0.45.4 calls `get()` for `.returning().get()`.
#
# Seen, with a reader open: get() returns { id: 1 } and the table stays empty; all() throws "database is locked"; Drizzle returns { id: 1 }, and
# the table stays empty. With a foreign key without its parent: get() returns { id: 1 }, all() throws "FOREIGN KEY constraint failed".
#
# Exits 0 as long as better-sqlite3 does this.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund node@26.10.0 better-sqlite3@13.2.0 drizzle-orm@0.45.4

cat > returning.mjs <<'JS'
import Database from 'better-sqlite3';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import { integer, sqliteTable } from 'drizzle-orm/sqlite-core';

const jobs = sqliteTable('jobs', { id: integer().primaryKey(), parent: integer() });
const writer = new Database('jobs.db', { timeout: 200 });
const other = new Database('jobs.db');
writer.exec(`CREATE TABLE parents (id INTEGER PRIMARY KEY);
  CREATE TABLE jobs (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED)`);
const insert = writer.prepare('INSERT INTO jobs (parent) VALUES (?) RETURNING id');

/** What the caller of an insert learns, and how many rows another connection finds afterwards. */
function outcome(name, insertOne) {
  let learned;
  try {
    learned = JSON.stringify(insertOne());
  } catch (error) {
    learned = error.message;
  }
  if (other.inTransaction) other.exec('COMMIT');
  const { rows } = other.prepare('SELECT count(*) AS rows FROM jobs').get();
  console.log(`${name}: ${learned}; rows: ${rows}`);
  return `${learned}; rows: ${rows}`;
}

/** The same beside a reader that has begun and not yet finished. */
function besideReader(name, insertOne) {
  other.exec('BEGIN');
  other.prepare('SELECT * FROM jobs').all();
  return outcome(name, insertOne);
}

const seen = [
  besideReader('get() beside a reader', () => insert.get(null)),
  besideReader('all() beside a reader', () => insert.all(null)),
  besideReader('Drizzle beside a reader', () => drizzle(writer).insert(jobs).values({ parent: null }).returning({ id: jobs.id }).get()),
  outcome('get() without a parent', () => insert.get(99)),
  outcome('all() without a parent', () => insert.all(99)),
];
const lost = '{"id":1}; rows: 0';
const expected = [lost, 'database is locked; rows: 0', lost, lost, 'FOREIGN KEY constraint failed; rows: 0'];
const isAsDescribed = seen.join() === expected.join();
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node_modules/.bin/node returning.mjs
