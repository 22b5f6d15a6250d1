#!/usr/bin/env bash
# @platformatic/kafka 2.12.1 with Kafka 4.3.1: on a topic with `message.timestamp.type=LogAppendTime` a message has the timestamp that its producer wrote.
#
# With that setting the time of a message is the broker's, whatever the producer says: it is set because the clocks of producers are not trusted. The broker
# does not write each record anew. It sets a bit of the batch and puts its time there once, and a client that sees the bit takes that time for each
# record, as Java's client, librdkafka and kafkajs do. This client does not look at the bit. So its `message.timestamp` is what the
# producer's clock said, right or wrong, while other consumers, retention and look-ups of offsets by time go by the broker's. Event time, windows,
# lateness and latency come out wrong, and only in the services that use this client. Nothing in its documentation says so.
#
# Seen, for two messages of a batch that a producer has dated 2001-01-01 and 2031-01-01: @platformatic/kafka says 2001 and 2031; kafkajs 2.2.4
# says the moment at which they were sent, for both.
#
# Needs Java 17 and Maven, which get the broker. Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
broker=
trap '[ -z "$broker" ] || kill -9 "$broker" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund @platformatic/kafka@2.12.1 kafkajs@2.2.4 node@26.10.0 >/dev/null 2>&1 || exit 2
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

cat >times.mjs <<'JS'
import { setTimeout as pause } from 'node:timers/promises';
import * as kafka from '@platformatic/kafka';
import kafkajs from 'kafkajs';

const bootstrapBrokers = [`127.0.0.1:${process.argv[2]}`];
const admin = new kafka.Admin({ clientId: 'admin', bootstrapBrokers });
const other = new kafkajs.Kafka({ clientId: 'other', brokers: bootstrapBrokers, logLevel: kafkajs.logLevel.NOTHING });
for (let tries = 0; ; tries += 1) {
  try {
    await admin.listTopics();
    break;
  } catch (error) {
    if (tries === 100) throw error;
    await pause(500);
  }
}

const topic = 'readings';
const configs = [
  { name: 'message.timestamp.type', value: 'LogAppendTime' },
  { name: 'message.timestamp.after.max.ms', value: '9223372036854775807' },
];
await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1, configs });
const sent = Date.now();
const producer = new kafka.Producer({ clientId: 'producer', bootstrapBrokers, serializers: kafka.stringSerializers });
const dates = [Date.UTC(2001, 0, 1), Date.UTC(2031, 0, 1)];
await producer.send({ messages: dates.map((date) => ({ topic, value: 'reading', timestamp: BigInt(date) })) });
await producer.close();

const consumer = new kafka.Consumer({ clientId: 'consumer', groupId: 'first', bootstrapBrokers, deserializers: kafka.stringDeserializers });
const stream = await consumer.consume({ topics: [topic], mode: kafka.MessagesStreamModes.EARLIEST, maxWaitTime: 100 });
const found = [];
for await (const { timestamp } of stream) {
  found.push(Number(timestamp));
  if (found.length === 2) break;
}
await consumer.close(true);

const control = [];
const reader = other.consumer({ groupId: 'second', maxWaitTimeInMs: 100 });
await reader.connect();
await reader.subscribe({ topics: [topic], fromBeginning: true });
await new Promise((resolve, reject) => {
  const eachMessage = async ({ message }) => {
    control.push(Number(message.timestamp));
    if (control.length === 2) resolve();
  };
  reader.run({ eachMessage }).catch(reject);
});
await reader.disconnect();
await admin.close();

const shown = (times) => times.map((time) => (Math.abs(time - sent) < 60_000 ? 'now' : new Date(time).toISOString().slice(0, 10))).join(' ');
console.log(`@platformatic/kafka: ${shown(found)}; kafkajs: ${shown(control)}`);
if (shown(control) !== 'now now') throw new Error('the broker has not dated the messages');
console.log(shown(found) === '2001-01-01 2031-01-01' ? 'as described' : 'not as described any more');
process.exit();
JS
timeout 90 node_modules/.bin/node --no-warnings times.mjs "$port" >seen || exit 2
cat seen
grep -q '^as described$' seen
