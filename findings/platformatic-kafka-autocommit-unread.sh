#!/usr/bin/env bash
# @platformatic/kafka 2.12.1 with Kafka 4.3.1: leaving the loop over a consumer's stream loses messages that were fetched but not read yet.
#
# `autocommit` is on unless it is turned off. The documentation says that it commits "consumed messages". Java's client commits what an earlier poll
# has returned, kafkajs what its handler has finished; so you would expect to lose nothing by a `break`, a `return` or an error in the loop: at worst
# a message comes twice. This client commits the end of each response when it arrives, 1,024 messages and more before the loop sees it. As far as the
# group knows, messages waiting in the stream are done: a worker that is stopped or killed skips them, the group's next one never gets them, and the
# lag is 0. With a number of milliseconds instead of `true`, leaving the loop before they have passed commits nothing at all, not even what was read.
#
# Seen, for a topic with the messages 1 to 10, a consumer that leaves its loop after the second, and then a consumer of the same group:
#   autocommit: true (the default)               the second one gets none
#   autocommit: 60000                            the second one gets 1 to 10
#   autocommit: false, and message.commit()      the second one gets 3 to 10
#
# Needs Java 17 and Maven, which get the broker. Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
broker=
trap '[ -z "$broker" ] || kill -9 "$broker" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund @platformatic/kafka@2.12.1 node@26.10.0 >/dev/null 2>&1 || exit 2
cat >pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId>
  <artifactId>broker</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>4.3.1</version>
    </dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1 || exit 2

read -r port quorum < <(node -e "
  const servers = [0, 0].map(() => require('node:net').createServer().listen(0, '127.0.0.1'));
  setTimeout(() => { console.log(servers.map((server) => server.address().port).join(' ')); process.exit(); }, 200);
")
cat >server.properties <<CONF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$quorum
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$quorum
log.dirs=$folder/log
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
CONF
java -XX:TieredStopAtLevel=1 -cp 'lib/*' kafka.tools.StorageTool format -t MkU3OEVBNTcwNTJENDM2Qk -c server.properties >/dev/null 2>&1 || exit 2
java -Xmx400m -XX:TieredStopAtLevel=1 -cp 'lib/*' kafka.Kafka server.properties >broker.log 2>&1 &
broker=$!
disown "$broker"

cat >leave.mjs <<'JS'
import { setTimeout as pause } from 'node:timers/promises';
import * as kafka from '@platformatic/kafka';

const bootstrapBrokers = [`127.0.0.1:${process.argv[2]}`];
const admin = new kafka.Admin({ clientId: 'admin', bootstrapBrokers });
const producer = new kafka.Producer({ clientId: 'producer', bootstrapBrokers, serializers: kafka.stringSerializers });
const send = (topic, ...values) => producer.send({ messages: values.map((value) => ({ topic, value })) });

/** What a consumer of the topic's group reads until it has read the given message and leaves its loop. */
async function readUntil(last, topic, options) {
  const consumer = new kafka.Consumer({ clientId: 'consumer', groupId: topic, bootstrapBrokers, deserializers: kafka.stringDeserializers });
  const stream = await consumer.consume({
    topics: [topic],
    mode: kafka.MessagesStreamModes.COMMITTED,
    fallbackMode: kafka.MessagesStreamFallbackModes.EARLIEST,
    maxWaitTime: 100,
    ...options,
  });
  const found = [];
  for await (const message of stream) {
    found.push(message.value);
    if (options.autocommit === false) await message.commit();
    if (message.value === last) break;
  }
  await consumer.close(true);
  return found.join(' ');
}

for (let tries = 0; ; tries += 1) {
  try {
    await admin.listTopics();
    break;
  } catch (error) {
    if (tries === 100) throw error;
    await pause(500);
  }
}
const expected = { default: 'last', interval: '1 2 3 4 5 6 7 8 9 10 last', manual: '3 4 5 6 7 8 9 10 last' };
const options = { default: {}, interval: { autocommit: 60_000 }, manual: { autocommit: false } };
let isAsDescribed = true;
for (const topic of Object.keys(expected)) {
  await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 });
  await send(topic, '1', '2', '3', '4', '5', '6', '7', '8', '9', '10');
  const first = await readUntil('2', topic, options[topic]);
  await send(topic, 'last');
  const second = await readUntil('last', topic, options[topic]);
  console.log(`${JSON.stringify(options[topic])}: the first reads ${first}; the second reads ${second}`);
  if (first !== '1 2') throw new Error('the first consumer reads something else');
  if (second !== expected[topic]) isAsDescribed = false;
}
await producer.close();
await admin.close();
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit();
JS
timeout 90 node_modules/.bin/node --no-warnings leave.mjs "$port" >seen || exit 2
cat seen
grep -q '^as described$' seen
