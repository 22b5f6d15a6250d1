#!/usr/bin/env bash
# @platformatic/kafka 2.12.1 with Kafka 4.3.1: a consumer that is READ_COMMITTED, as it is by default, delivers messages of aborted transactions and drops
# committed ones.
#
# A broker sends the records of aborted transactions along, with a list of where each of them begins; the client has to drop them, up to each one's
# marker. This client keeps one range for each producer of a response: from the beginning of its last aborted transaction to its last abort marker. So
# what it drops is right only for a producer with a single aborted transaction that is wholly inside one response:
#
# - two transactions of one producer were aborted: the messages of the first are delivered;
# - an aborted transaction is larger than one response (1 MiB of a partition here): the messages of each response without its marker are delivered;
# - a transaction was aborted, and later one that had written nothing, as when its only message was refused for its size: what the producer committed
#   between the two is dropped, and the consumer's offset moves on behind it.
#
# The documentation of the option says "only read producers-committed messages". Nothing is logged. kafkajs 2.2.4 reads the same topics correctly.
#
# Seen (a: aborted, c: committed), as what the producer did, what @platformatic/kafka delivers, and what kafkajs does:
#   a1 | c1 | a2 | c2                 a1 c1 c2      c1 c2
#   a1 a2 a3 a4 a5 a6 | c1            a1 a2 a3 c1   c1
#   a1 | c1 | too large, a | c2       c2            c1 c2
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
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
CONF
java -XX:TieredStopAtLevel=1 -cp 'lib/*' kafka.tools.StorageTool format -t MkU3OEVBNTcwNTJENDM2Qk -c server.properties >/dev/null 2>&1 || exit 2
java -Xmx400m -XX:TieredStopAtLevel=1 -cp 'lib/*' kafka.Kafka server.properties >broker.log 2>&1 &
broker=$!
disown "$broker"

cat >transactions.mjs <<'JS'
import { setTimeout as pause } from 'node:timers/promises';
import { Admin, Consumer, MessagesStreamModes, stringDeserializers } from '@platformatic/kafka';
import kafkajs from 'kafkajs';

const bootstrapBrokers = [`127.0.0.1:${process.argv[2]}`];
const admin = new Admin({ clientId: 'admin', bootstrapBrokers });
const other = new kafkajs.Kafka({ clientId: 'other', brokers: bootstrapBrokers, logLevel: kafkajs.logLevel.NOTHING });

/** A topic with these transactions of one producer: how each ends, and its messages. */
async function produced(topic, transactions) {
  await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 });
  const producer = other.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  for (const [end, ...values] of transactions) {
    const transaction = await producer.transaction();
    for (const value of values) {
      const sending = transaction.send({ topic, messages: [{ value, partition: 0 }] });
      const refusal = await sending.then(() => undefined, ({ type }) => type);
      if (refusal !== (value.startsWith('refused') ? 'MESSAGE_TOO_LARGE' : undefined)) throw new Error(`unexpected: ${refusal}`);
    }
    await transaction[end]();
  }
  await producer.disconnect();
}

const last = 'last';

async function byPlatformatic(topic) {
  const consumer = new Consumer({ clientId: 'consumer', groupId: `${topic}-1`, bootstrapBrokers, deserializers: stringDeserializers });
  const stream = await consumer.consume({
    topics: [topic],
    mode: MessagesStreamModes.EARLIEST,
    maxBytesPerPartition: 1_048_576,
    maxWaitTime: 100,
  });
  const found = [];
  for await (const { value } of stream) {
    if (value === last) break;
    found.push(value.slice(0, 2));
  }
  await consumer.close(true);
  return found.join(' ');
}
async function byKafkajs(topic) {
  const consumer = other.consumer({ groupId: `${topic}-2`, maxWaitTimeInMs: 100 });
  const found = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await new Promise((resolve, reject) => {
    const eachMessage = async ({ message }) => {
      const value = String(message.value);
      if (value === last) resolve();
      else found.push(value.slice(0, 2));
    };
    consumer.run({ eachMessage }).catch(reject);
  });
  await consumer.disconnect();
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
const large = (name) => name + 'x'.repeat(300_000);
const cases = {
  'two-aborted': [['abort', 'a1'], ['commit', 'c1'], ['abort', 'a2'], ['commit', 'c2']],
  'large-aborted': [['abort', ...['a1', 'a2', 'a3', 'a4', 'a5', 'a6'].map(large)], ['commit', 'c1']],
  'empty-aborted': [['abort', 'a1'], ['commit', 'c1'], ['abort', 'refused' + 'x'.repeat(1_200_000)], ['commit', 'c2']],
};
const expected = { 'two-aborted': 'a1 c1 c2', 'large-aborted': 'a1 a2 a3 c1', 'empty-aborted': 'c2' };
const committed = { 'two-aborted': 'c1 c2', 'large-aborted': 'c1', 'empty-aborted': 'c1 c2' };
let isAsDescribed = true;
for (const [topic, transactions] of Object.entries(cases)) {
  await produced(topic, [...transactions, ['commit', last]]);
  const control = await byKafkajs(topic);
  const found = await byPlatformatic(topic);
  console.log(`${topic}: @platformatic/kafka delivers ${found}; kafkajs delivers ${control}`);
  if (control !== committed[topic]) process.exit(2);
  if (found !== expected[topic]) isAsDescribed = false;
}
await admin.close();
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit();
JS
timeout 90 node_modules/.bin/node --no-warnings transactions.mjs "$port" >seen || exit 2
cat seen
grep -q '^as described$' seen
