#!/usr/bin/env bash
# ioredis 6.0.0 with Redis 7.0 (Debian 12), and BullMQ 6.7.0 on top of it: when a connection breaks before the answer has come, a write is sent again, and runs twice.
#
# The README mentions that commands without an answer are sent again after a reconnect, "most likely blocking commands such as brpop and blpop". It is all
# of them: RPUSH, INCR, a pipeline, a whole MULTI with its EXEC. Redis has run them; only the answer was lost. So one call of rpush() adds two
# entries, and its promise resolves as if nothing had happened, with a length of 2 that hardly anybody checks. Of two calls, "a" and "b", the list has
# a b a b: not even the order holds. No error is emitted. The add() of BullMQ is a script that goes the same way: one add() makes two jobs with two
# ids, of which the caller learns the second, unless it has chosen the `jobId` itself. redis 6.3.1 (node-redis) rejects instead ("Socket closed
# unexpectedly"), and the caller decides. Writes through ioredis need an id of their own by which Redis can tell that it has seen them.
#
# Seen, with a proxy that closes the connection once, when Redis has answered and the client has not heard it yet: rpush("job") resolves with 2, the
# list has job job; a MULTI with an INCR resolves, the counter is 2; "a" and "b" become a b a b; BullMQ has two jobs after one add(). With node-redis
# the write rejects, and the list has one job.
#
# Exits 0 while that is so, 1 once it is not, 2 when there is no Redis.
set -euo pipefail

command -v redis-server > /dev/null || { echo 'there is no Redis here (apt-get install redis-server)'; exit 2; }
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || { kill -9 "$server"; wait "$server" 2> /dev/null || true; }; rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts ioredis@6.0.0 redis@6.3.1 bullmq@6.7.0

redis-server --port 0 --unixsocket "$folder/redis" --dir "$folder" --save '' > log 2>&1 &
server=$!

cat > twice.mjs <<'JS'
import { connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { createClient } from 'redis';

/** Whether the next answer to a write is lost, and the connection with it. */
let isAnswerLost = false;
const proxy = createServer((client) => {
  const server = connect('redis');
  let isDoomed = false;
  client.on('data', (data) => {
    if (isAnswerLost && /rpush|exec|evalsha|\beval\b/i.test(data)) {
      isAnswerLost = false;
      isDoomed = true;
    }
    server.write(data);
  });
  server.on('data', (data) => {
    if (isDoomed) client.destroy();
    else client.write(data);
  });
  for (const socket of [client, server]) {
    socket.on('error', () => undefined);
    socket.on('close', () => {
      client.destroy();
      server.destroy();
    });
  }
});
await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
const { port } = proxy.address();
const address = { host: '127.0.0.1', port };

const direct = new Redis({ path: 'redis' });
direct.on('error', () => undefined);
const resending = new Redis({ ...address, maxRetriesPerRequest: null });
const nodeRedis = createClient({ socket: address });
nodeRedis.on('error', () => undefined);
for (const client of [direct, resending]) await client.ping();
await nodeRedis.connect();
const queue = new Queue('jobs', { connection: resending });
await queue.waitUntilReady();
await queue.add('warm-up', {});

/** What becomes of writes whose answer is lost. */
async function outcome(name, write, look = () => direct.lrange('list', 0, -1)) {
  await direct.flushall();
  isAnswerLost = true;
  const settled = await write().then(JSON.stringify, () => 'rejects');
  const found = await look();
  console.log(`${name}: ${settled}; in Redis: ${[found].flat().join(' ')}`);
  return `${settled}; ${[found].flat().join(' ')}`;
}

const seen = [
  await outcome('rpush', () => resending.rpush('list', 'job')),
  await outcome(
    'MULTI with INCR',
    () => resending.multi().incr('counter').exec(),
    () => direct.get('counter'),
  ),
  await outcome('two of rpush', () => Promise.all([resending.rpush('list', 'a'), resending.rpush('list', 'b')])),
  await outcome(
    'add of BullMQ',
    async () => (await queue.add('job', {})).id,
    async () => `${await direct.llen('bull:jobs:wait')} jobs`,
  ),
  await outcome('rpush of node-redis', () => nodeRedis.rPush('list', 'job')),
];
const expected = ['2; job job', '[[null,2]]; 2', '[3,4]; a b a b', '"2"; 2 jobs', 'rejects; job'];
const isAsDescribed = seen.join() === expected.join();
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit(isAsDescribed ? 0 : 1);
JS
node twice.mjs
