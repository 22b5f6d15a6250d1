#!/usr/bin/env bash
# Drizzle 0.45.4: migrate() leaves out a migration that was generated before the last one that has been applied, and says nothing.
#
# The documentation says that migrate() fetches the history from the database and picks the migrations that are not applied yet. But of the history it reads only
# the newest moment, and applies what was generated after it. Two branches that each add a migration are enough: the one that was begun
# first is merged last. Its migration is in the journal, a new database gets it, and so do the tests; the database in production never does.
# The hashes in the history are not compared either, so a migration that was edited after it had been applied goes unnoticed, too. Kysely 0.29.9 refuses
# such a merge ("corrupted migrations").
#
# Seen, with "jobs" and "retries" applied and then "timers", generated between the two, merged: migrate() resolves, there is no table "timers", and
# still none after a migration that follows. A new database gets all four tables.
#
# Exits 0 as long as Drizzle does that.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund node@26.10.0 better-sqlite3@13.2.0 drizzle-orm@0.45.4 kysely@0.29.9

cat > merged.mjs <<'JS'
import { mkdirSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import { Kysely, SqliteDialect, sql } from 'kysely';
import { Migrator } from 'kysely/migration';

/** Migrations in the order of the repository, each with the hour at which it was generated. */
const first = { jobs: 9, retries: 11 };
const merged = { jobs: 9, timers: 10, retries: 11 };
const later = { ...merged, leases: 12 };

/** Writes the folder as drizzle-kit leaves it. */
function writeFolder(migrations) {
  mkdirSync('drizzle/meta', { recursive: true });
  const entries = Object.entries(migrations).map(([name, hour], idx) => {
    const tag = `${String(idx).padStart(4, '0')}_${name}`;
    writeFileSync(`drizzle/${tag}.sql`, `CREATE TABLE ${name} (id integer);`);
    return { idx, version: '6', when: Date.UTC(2026, 10, 2, hour), tag, breakpoints: true };
  });
  writeFileSync('drizzle/meta/_journal.json', JSON.stringify({ version: '7', dialect: 'sqlite', entries }));
}

const tables = (database) => {
  const rows = database.prepare("SELECT name FROM sqlite_schema WHERE name IN ('jobs', 'retries', 'timers', 'leases') ORDER BY name").all();
  return rows.map(({ name }) => name).join(' ');
};
const seen = [];
const production = new Database(':memory:');
for (const migrations of [first, merged, later]) {
  writeFolder(migrations);
  migrate(drizzle(production), { migrationsFolder: 'drizzle' });
  seen.push(tables(production));
}
const fresh = new Database(':memory:');
migrate(drizzle(fresh), { migrationsFolder: 'drizzle' });
seen.push(tables(fresh));

const kysely = new Kysely({ dialect: new SqliteDialect({ database: new Database(':memory:') }) });
let refusal = '';
for (const migrations of [first, merged]) {
  const named = Object.entries(migrations).map(([name, hour]) => [
    `${String(hour).padStart(2, '0')}_${name}`,
    { up: (database) => sql.raw(`CREATE TABLE ${name} (id integer)`).execute(database) },
  ]);
  const { error } = await new Migrator({ db: kysely, provider: { getMigrations: async () => Object.fromEntries(named) } }).migrateToLatest();
  refusal = error?.message ?? '';
}
console.log(`Drizzle: ${seen[0]}; merged: ${seen[1]}; one more: ${seen[2]}; a new database: ${seen[3]}`);
console.log(`Kysely: ${refusal}`);
const isAsDescribed =
  seen.join() === ['jobs retries', 'jobs retries', 'jobs leases retries', 'jobs leases retries timers'].join() &&
  refusal.startsWith('corrupted migrations');
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node_modules/.bin/node merged.mjs
