/**
 * Measures the way from a Kafka topic to the committed state, beside a bare consumer loop and beside one message at a time: `npm run
 * brokers -- --help`.
 */
import { writeFileSync } from 'node:fs';
import { kafkaRelease } from '../test/kafka-jars.ts';
import { KafkaServer } from '../test/kafka-server.ts';
import { readArguments } from './arguments.ts';
import { measureReading, type ReadingResult } from './brokers/measure.ts';
import { readerNamed, readers } from './brokers/readers.ts';
import { type FilledTopic, fillTopic } from './brokers/topics.ts';
import { attemptTo } from './measures/outcome.ts';
import { Rooms } from './measures/rooms.ts';
import { brokerLines } from './report/brokers.ts';
import { describeMachine, machineLines } from './report/machine.ts';
import { Cleanup } from './servers/cleanup.ts';

const usage = `Usage: npm run brokers -- [options]
  --readers LIST      ${readers.map(({ name }) => name).join(',')} (default: all)
  --runs N            runs, interleaved; medians are shown (5)
  --events N          events on the topic (300000)
  --slow-events N     the same for readers that handle one message at a time (6000)
  --warm-up N         events read to warm up; a quarter of them for one message at a time (100000)
  --keys N            (10000)
  --partitions N      (12)
  --folder PATH       on the disk to be measured (the system's temporary folder)
  --json FILE         all figures of all runs
`;

const values = readArguments(
  {
    options: {
      readers: { type: 'string', default: readers.map(({ name }) => name).join(',') },
      runs: { type: 'string', default: '5' },
      events: { type: 'string', default: '300000' },
      'slow-events': { type: 'string', default: '6000' },
      'warm-up': { type: 'string', default: '100000' },
      keys: { type: 'string', default: '10000' },
      partitions: { type: 'string', default: '12' },
      folder: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  },
  usage,
);

if (values.help) process.stdout.write(usage);
else await main();

async function main(): Promise<void> {
  const cleanup = new Cleanup();
  try {
    const folder = cleanup.folder(values.folder);
    const chosen = values.readers.split(',').map(readerNamed);
    const rooms = await Rooms.open(
      chosen.map(({ database }) => ({ server: database === 'postgres' ? 'postgres' : 'none' })),
      folder,
      cleanup,
    );
    const machine = describeMachine(folder, { ...(await rooms.versions()), Kafka: kafkaRelease });
    process.stdout.write(`${machineLines(machine).join('\n')}\n\n`);
    const server = await KafkaServer.start();
    cleanup.add(() => server.stop());
    const topics = await fillTopics(server);
    const results: ReadingResult[] = [];
    const failures: string[] = [];
    const means = { rooms, cleanup, brokers: server.address, partitions: Number(values.partitions) };
    for (let run = 1; run <= Number(values.runs); run += 1) {
      for (const reader of chosen) {
        if (cleanup.isUnderWay) continue;
        process.stdout.write(`run ${run}: ${reader.title} …`);
        const measure = () => measureReading(run, reader, { ...means, topics: reader.isSlow ? topics.slow : topics.fast });
        const result = await attemptTo(`run ${run}: ${reader.title}`, measure, failures);
        if (result !== undefined) results.push(result);
        process.stdout.write(` ${Math.round(result?.rate ?? 0)} events/s\n`);
      }
    }
    for (const lines of [brokerLines(results), failures]) if (lines.length > 0) process.stdout.write(`\n${lines.join('\n')}\n`);
    if (values.json !== undefined)
      writeFileSync(values.json, `${JSON.stringify({ machine, settings: values, results, failures }, null, 2)}\n`);
  } finally {
    await cleanup.run();
  }
}

/** Fills the topics for the warm-up and the measurement; all readers read the same ones. */
async function fillTopics(server: KafkaServer): Promise<Readonly<Record<'fast' | 'slow', readonly [FilledTopic, FilledTopic]>>> {
  const [keys, partitions] = [Number(values.keys), Number(values.partitions)];
  const fill = (events: string, part = 1) => fillTopic(server, { events: Math.ceil(Number(events) * part), keys, partitions });
  return {
    fast: [await fill(values['warm-up']), await fill(values.events)],
    slow: [await fill(values['slow-events'], 0.25), await fill(values['slow-events'])],
  };
}
