import { parseArgs } from 'node:util';
import { pick, randomOf } from '../systems/shared/random.ts';
import { type BrokerKind, brokerKinds } from './brokers/broker.ts';
import { type BrokerFault, brokerFaults, brokers } from './brokers/harness.ts';
import { linesOf } from './brokers/report.ts';
import { freshSeed, integer, print, runTrial } from './command-line.ts';

const usage = `Usage: npm run brokers -- [options]

Three processes on one Postgres take events from a topic, and deliver some of them to another topic. Again and again one of them is killed, frozen
past its lease, cut from the database, or stopped, or a server of the broker is killed; at the end each event must have had its effect once, in
the order of its key, and each delivery must have arrived under its id.

  --minutes N        how long (default: 10)
  --events N         that are written meanwhile (default: 1000000)
  --keys N           (default: 20000)
  --partitions N     of the topic; a stream of NATS has one (default: 12)
  --deliver-every N  each so many-th event of a key is delivered (default: 9, which with the other defaults are some 100,000 deliveries)
  --broker K         kafka or nats (default: kafka)
  --nodes N          servers of the broker: 1 or 3 (default: 1)
  --every N          seconds between two faults (default: 12)
  --lasts N          seconds that a freeze or a cut lasts (default: 20)
  --seed N           what is written, and what happens. The same seed writes the same, but the moments are of real time, so no two runs are the
                     same (default: a fresh one, which is printed)
`;

await runTrial({
  name: 'brokers',
  usage,
  readOptions,
  async run(options, signal) {
    const { minutes, kind, nodes, events, seed } = options;
    print(`brokers: ${minutes} minutes on ${kind} (${nodes} of it), ${events} events, --seed ${seed}`);
    const outcome = await brokers({ ...options, faults: faultsOf(options), signal, progress: print });
    for (const line of linesOf(outcome)) print(line);
    return outcome;
  },
});

function readOptions() {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      ...{ minutes: text, events: text, keys: text, partitions: text, 'deliver-every': text },
      ...{ broker: text, nodes: text, every: text, lasts: text, seed: text },
    },
  });
  return {
    minutes: integer(values.minutes, '--minutes', 1) ?? 10,
    events: integer(values.events, '--events', 1) ?? 1_000_000,
    keys: integer(values.keys, '--keys', 1) ?? 20_000,
    partitions: integer(values.partitions, '--partitions', 1) ?? 12,
    deliverEvery: integer(values['deliver-every'], '--deliver-every', 1) ?? 9,
    kind: kindOf(values.broker),
    nodes: integer(values.nodes, '--nodes', 1) ?? 1,
    everyMs: 1_000 * (integer(values.every, '--every', 1) ?? 12),
    lastsMs: 1_000 * (integer(values.lasts, '--lasts', 1) ?? 20),
    seed: integer(values.seed, '--seed', 0) ?? freshSeed(),
  };
}

function kindOf(found = 'kafka'): BrokerKind {
  const kind = brokerKinds.find((one) => one === found);
  if (kind === undefined) throw new Error(`--broker: expected ${brokerKinds.join(' or ')}, found ${found}`);
  return kind;
}

/** Takes each kind in turn first, so that even a short run has all of them. */
function faultsOf({ minutes, everyMs, seed }: ReturnType<typeof readOptions>): readonly BrokerFault[] {
  const random = randomOf(seed, 3);
  const count = Math.max(1, Math.floor((minutes * 60_000) / everyMs) - 1);
  return Array.from({ length: count }, (_, nth) => brokerFaults[nth] ?? pick(random, brokerFaults));
}
