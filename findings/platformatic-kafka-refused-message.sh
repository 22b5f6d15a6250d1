#!/usr/bin/env bash
# @platformatic/kafka 2.12.1 with Kafka 4.3.1: after one message of a transaction was refused, no transaction of its producer can write to that partition
# any more.
#
# A message larger than the topic allows is refused, so a producer aborts the transaction and continues with the next. But the producer had counted
# the message: its sequence for the partition is one ahead of what the broker has. Outside of transactions the client begins anew after an error.
# Inside of one it keeps the count, and the abort does not set it back. So each later transaction that writes to the partition fails, with "The broker
# received an out of order sequence number", until there is a new producer; those for other partitions go through, which makes the partition look
# guilty. kafkajs 2.2.4 continues.
#
# Seen, for transactions of one message each:
#   partition 0, small                 committed
#   partition 0, of 1,200,000 bytes    refused, as too large
#   partition 0, small, three times    refused, for its sequence number
#   partition 1, small                 committed
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

cat >refused.mjs <<'JS'
import { setTimeout as pause } from 'node:timers/promises';
import { Admin, Producer, stringSerializers } from '@platformatic/kafka';
import kafkajs from 'kafkajs';

const bootstrapBrokers = [`127.0.0.1:${process.argv[2]}`];
const admin = new Admin({ clientId: 'admin', bootstrapBrokers });
for (let tries = 0; ; tries += 1) {
  try {
    await admin.listTopics();
    break;
  } catch (error) {
    if (tries === 100) throw error;
    await pause(500);
  }
}
const topic = 'orders';
await admin.createTopics({ topics: [topic], partitions: 2, replicas: 1 });
await admin.close();

/** The innermost error, which is what the broker said. */
const cause = (error) => (error.errors?.length > 0 ? cause(error.errors[0]) : error.message);
async function outcomeOf(transaction, send) {
  try {
    await send();
  } catch (error) {
    await transaction.abort();
    return `refused: ${cause(error)}`;
  }
  await transaction.commit();
  return 'committed';
}

const producer = new Producer({
  clientId: 'producer',
  bootstrapBrokers,
  serializers: stringSerializers,
  idempotent: true,
  transactionalId: 'first',
});
const other = new kafkajs.Kafka({ clientId: 'other', brokers: bootstrapBrokers, logLevel: kafkajs.logLevel.NOTHING }).producer({
  transactionalId: 'second',
  idempotent: true,
  maxInFlightRequests: 1,
});
await other.connect();
const byPlatformatic = async (value, partition) => {
  const transaction = await producer.beginTransaction();
  return outcomeOf(transaction, () => transaction.send({ messages: [{ topic, value, partition }] }));
};
const byKafkajs = async (value, partition) => {
  const transaction = await other.transaction();
  return outcomeOf(transaction, () => transaction.send({ topic, messages: [{ value, partition }] }));
};

const large = 'x'.repeat(1_200_000);
const found = [];
for (const [value, partition] of [['a', 0], [large, 0], ['b', 0], ['c', 0], ['d', 0], ['e', 1]]) {
  const outcomes = [await byPlatformatic(value, partition), await byKafkajs(value, partition)];
  console.log(`${value.length} bytes to partition ${partition}: @platformatic/kafka ${outcomes[0]}; kafkajs ${outcomes[1]}`);
  if (value !== large && outcomes[1] !== 'committed') throw new Error('kafkajs does not go on');
  found.push(outcomes[0]);
}
const isOutOfOrder = (outcome) => /out of order sequence/.test(outcome);
const isAsDescribed =
  found[0] === 'committed' && /larger than/.test(found[1]) && found.slice(2, 5).every(isOutOfOrder) && found[5] === 'committed';
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit();
JS
timeout 90 node_modules/.bin/node --no-warnings refused.mjs "$port" >seen || exit 2
cat seen
grep -q '^as described$' seen
