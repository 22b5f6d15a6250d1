#!/usr/bin/env bash
# libsql 0.5.29: after `run()` of `PRAGMA journal_mode = WAL`, or of an `INSERT … RETURNING`, no later write of the connection is committed.
#
# libsql offers the interface of better-sqlite3, in which `run()` executes a statement to completion. libsql's stops at the first row and leaves the
# statement open. SQLite treats it as an active writer, so later writes do not commit, though each of them returns `changes: 1`, the connection reads
# its own rows back, and `inTransaction` is false. They reach the disk only when the first statement is run again or garbage collected, or the
# database is closed. A process that is killed, or ends without closing it, loses everything that it has written since the start. Only an explicit
# transaction fails: "cannot commit transaction - SQL statements in progress".
#
# Seen, for a program that switches to WAL by `prepare(…).run()`, inserts three rows, reads them, and is killed: with better-sqlite3 13.2.0 the next
# process finds three rows; with libsql it finds no table. With `exec()` for the PRAGMA it finds three with libsql as well. With an
# `INSERT … RETURNING` first: four rows with better-sqlite3, none with libsql.
#
# Exits 0 as long as libsql does this.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund node@26.10.0 better-sqlite3@13.2.0 libsql@0.5.29

cat > write.mjs <<'JS'
import { writeSync } from 'node:fs';

const [name, first, file] = process.argv.slice(2);
const { default: Database } = await import(name);
const database = new Database(file);
const sql = first === 'returning' ? "INSERT INTO jobs (name) VALUES ('first') RETURNING id" : 'PRAGMA journal_mode = WAL';
if (first === 'exec') database.exec(sql);
// As a program that keeps its statements, so that none is garbage collected.
const statements = first === 'exec' ? [] : [database.prepare(sql)];
for (const statement of statements) statement.run();
database.exec('CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY, name TEXT)');
const insert = database.prepare('INSERT INTO jobs (name) VALUES (?)');
const changes = ['a', 'b', 'c'].map((job) => insert.run(job).changes);
const { rows } = database.prepare('SELECT count(*) AS rows FROM jobs').get();
writeSync(1, `changes ${changes}, reads ${rows} rows, statements kept: ${statements.length}, in a transaction: ${database.inTransaction}`);
process.kill(process.pid, 'SIGKILL');
JS

cat > compare.mjs <<'JS'
import { spawnSync } from 'node:child_process';
import { DatabaseSync } from 'node:sqlite';

let isAsDescribed = true;
let files = 0;
const expected = { 'better-sqlite3 run': 3, 'better-sqlite3 returning': 4, 'libsql exec': 3, 'libsql run': 'no table', 'libsql returning': 0 };
for (const [what, left] of Object.entries(expected)) {
  files += 1;
  const file = `${files}.db`;
  const [name, first] = what.split(' ');
  // The table is there already only where the first statement needs it.
  if (first === 'returning') new DatabaseSync(file).exec('CREATE TABLE jobs (id INTEGER PRIMARY KEY, name TEXT)');
  const { stdout: said } = spawnSync(process.execPath, ['write.mjs', name, first, file], { encoding: 'utf8' });
  const database = new DatabaseSync(file);
  const hasTable = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'jobs'").get() !== undefined;
  const found = hasTable ? database.prepare('SELECT count(*) AS rows FROM jobs').get().rows : 'no table';
  console.log(`${what}: ${said}; the next process finds ${found}`);
  isAsDescribed &&= found === left && said.startsWith('changes 1,1,1') && said.endsWith('false');
}
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node_modules/.bin/node compare.mjs
