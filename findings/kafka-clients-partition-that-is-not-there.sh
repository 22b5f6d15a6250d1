#!/usr/bin/env bash
# kafkajs 2.2.4 and @platformatic/kafka 2.12.1 with Kafka 4.3.1: a message for a partition that the topic does not have is lost by one and put into
# another partition by the other. Both promises resolve.
#
# A message may name its partition, or a custom partitioner returns one. If the topic has no such partition, you would expect an error, as from Java's
# producer, which waits for the partition to appear and then fails. It happens if a topic was created with fewer partitions than the sender assumes,
# in another environment or after a restore. kafkajs sends messages by the broker that leads their partition; a partition that nobody leads is sent
# nowhere. The promise resolves with an empty list, or, where the batch has other messages as well, with what became of those. @platformatic/kafka
# takes the remainder by the number of partitions: two owners who should be separate share one, and a consumer of partition 7 waits forever.
#
# Seen, for a topic of three partitions:
#   kafkajs, one message for partition 7                    resolves with []; the topic is empty
#   kafkajs, a message for 7 and one for 0                  resolves with partition 0; the topic has one message
#   kafkajs, a partitioner that answers 5                   resolves with []; the topic still has one message
#   @platformatic/kafka, one message for partition 7        resolves with partition 1; the message is there
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

cat >partition.mjs <<'JS'
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
await admin.createTopics({ topics: [topic], partitions: 3, replicas: 1 });
await admin.close();

const kafka = new kafkajs.Kafka({ clientId: 'other', brokers: bootstrapBrokers, logLevel: kafkajs.logLevel.NOTHING });
const reader = kafka.admin();
await reader.connect();
/** How many messages each partition has. */
async function counts() {
  const ends = await reader.fetchTopicOffsets(topic);
  return ends.sort((a, b) => a.partition - b.partition).map(({ offset }) => offset).join(' ');
}
/** The partitions that kafkajs says it has written to, and the counts afterwards. */
async function byKafkajs(createPartitioner, messages) {
  const producer = kafka.producer({ createPartitioner });
  await producer.connect();
  const answer = await producer.send({ topic, messages }).then((written) => `[${written.map(({ partition }) => partition)}]`, String);
  await producer.disconnect();
  return `${answer}; ${await counts()}`;
}

// A topic that was just created has no leaders yet.
for (let tries = 0; (await counts().catch(() => '')) !== '0 0 0'; tries += 1) {
  if (tries === 50) throw new Error('the topic is not there');
  await pause(200);
}
const { DefaultPartitioner } = kafkajs.Partitioners;
const found = [
  await byKafkajs(DefaultPartitioner, [{ value: 'a', partition: 7 }]),
  await byKafkajs(DefaultPartitioner, [{ value: 'a', partition: 7 }, { value: 'b', partition: 0 }]),
  await byKafkajs(() => () => 5, [{ key: 'a', value: 'a' }]),
];
const producer = new Producer({ clientId: 'producer', bootstrapBrokers, serializers: stringSerializers });
const answer = await producer
  .send({ messages: [{ topic, value: 'a', partition: 7 }] })
  .then(({ offsets }) => `[${offsets.map(({ partition }) => partition)}]`, String);
await producer.close();
found.push(`${answer}; ${await counts()}`);
await reader.disconnect();
console.log('partitions written to by the answer, and the messages in each partition afterwards');
console.log(`kafkajs: ${found.slice(0, 3).join(' | ')}`);
console.log(`@platformatic/kafka: ${found[3]}`);
const isAsDescribed = found.join() === '[]; 0 0 0,[0]; 1 0 0,[]; 1 0 0,[1]; 1 1 0';
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit();
JS
timeout 90 node_modules/.bin/node --no-warnings partition.mjs "$port" >seen || exit 2
cat seen
grep -q '^as described$' seen
