/** The cost of timelines, and the time it takes to read one: `npm run timeline -- --help`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readArguments } from './arguments.ts';
import { HostedPeer } from './host/hosted-peer.ts';
import { ledger, measure, type Part, type RoundSettings } from './http/round.ts';
import { scripts } from './http/scripts.ts';
import { writeScripts } from './http/wrk.ts';
import { describeMachine, machineLines } from './report/machine.ts';
import { figure, tableLines } from './report/table.ts';
import { build, type Size } from './scale/growth.ts';
import { millraceOn } from './scale/millrace-on.ts';
import { readTimelines } from './scale/timelines.ts';
import { Cleanup } from './servers/cleanup.ts';
import { type Distribution, median } from './work/distribution.ts';

const usage = `Usage: npm run timeline -- [options]
  --only LIST      drain,http,read (default: all)
  --rounds N       rounds with and without timelines, alternating (5)
  --events N       events per drain (200000)
  --seconds N      length of each load over HTTP (4)
  --stored N,K     events and keys among which timelines are read (10000000,1000000)
  --reads N        number of timelines to read (2000)
  --folder PATH    on the disk to be measured (the system's temporary folder)
  --json FILE      all figures
`;

const values = readArguments(
  {
    options: {
      only: { type: 'string', default: 'drain,http,read' },
      rounds: { type: 'string', default: '5' },
      events: { type: 'string', default: '200000' },
      seconds: { type: 'string', default: '4' },
      stored: { type: 'string', default: '10000000,1000000' },
      reads: { type: 'string', default: '2000' },
      folder: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  },
  usage,
);

/** Events per second, and microseconds of processor time an event. */
interface Speed {
  readonly rate: number;
  readonly cpuUs: number;
}

interface Pair {
  readonly load: string;
  readonly withIt: Speed;
  readonly withoutIt: Speed;
}

const keys = 10_000;
const parts: readonly Part[] = [
  { name: 'ledger, single', served: ledger, script: 'singleLedgerEvent' },
  { name: 'ledger, batches of 100', served: ledger, script: 'batchOfLedgerEvents', isOfBatches: true },
];

if (values.help) process.stdout.write(usage);
else await main();

async function main(): Promise<void> {
  const cleanup = new Cleanup();
  const chosen = values.only.split(',');
  try {
    const folder = cleanup.folder(values.folder);
    const machine = describeMachine(folder, {});
    process.stdout.write(`${machineLines(machine).join('\n')}\n\n`);
    const pairs: Pair[] = [];
    for (let round = 1; round <= Number(values.rounds); round += 1) {
      const own = join(folder, `round-${round}`);
      mkdirSync(own);
      const measured = [
        ...(chosen.includes('drain') ? await drains(own, round, cleanup) : []),
        ...(chosen.includes('http') ? await overHttp(own, round, cleanup) : []),
      ];
      pairs.push(...measured);
      const said = measured.map(({ load, withIt, withoutIt }) => `${load} ${figure(withIt.rate / withoutIt.rate, 2)}`);
      if (said.length > 0) process.stdout.write(`round ${round}: ${said.join(', ')}\n`);
    }
    if (pairs.length > 0) process.stdout.write(`\n${costLines(pairs).join('\n')}\n`);
    const read = chosen.includes('read') ? await readAmong(join(folder, 'stored'), sizeOf(values.stored), cleanup) : undefined;
    if (read !== undefined) process.stdout.write(`\n${readLine(read)}\n`);
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ machine, settings: values, pairs, read }, null, 2)}\n`);
  } finally {
    await cleanup.run();
  }
}

/** Measures a load with timelines and without; the order alternates by round. */
async function inTurns(load: string, round: number, speedOf: (isOn: boolean) => Promise<Speed>): Promise<Pair> {
  const first = await speedOf(round % 2 === 0);
  const second = await speedOf(round % 2 !== 0);
  const [withIt, withoutIt] = round % 2 === 0 ? [first, second] : [second, first];
  return { load, withIt, withoutIt };
}

function environmentOf(isOn: boolean): Readonly<Record<string, string>> {
  return { TIMELINE: isOn ? 'on' : 'off' };
}

/** Drains a backlog, after a smaller one as a warm-up. */
async function drains(folder: string, round: number, cleanup: Cleanup): Promise<Pair[]> {
  const speedOf = async (isOn: boolean): Promise<Speed> => {
    const own = join(folder, `drain-${isOn}`);
    mkdirSync(own);
    const events = Number(values.events);
    const host = new HostedPeer(cleanup, environmentOf(isOn));
    await host.call('start', millraceOn(own, keys, round));
    await host.call('fill', events / 4);
    await host.call('drain');
    await host.call('rest');
    await host.call('fill', events);
    const cpuBefore = await host.call('cpu');
    const drainMs = await host.call('drain');
    const cpuMs = (await host.call('cpu')) - cpuBefore;
    await host.call('stop');
    await host.kill();
    return { rate: events / (drainMs / 1_000), cpuUs: (cpuMs / events) * 1_000 };
  };
  return [await inTurns('drain', round, speedOf)];
}

async function overHttp(folder: string, round: number, cleanup: Cleanup): Promise<Pair[]> {
  writeScripts(folder, scripts);
  const settings: RoundSettings = {
    folder,
    enterDatabase: async (name) => ({ address: `sqlite:${join(folder, `${name}.db`)}`, leave: async () => undefined }),
    connections: 64,
    batchConnections: 8,
    seconds: Number(values.seconds),
  };
  const pairs: Pair[] = [];
  for (const part of parts) {
    const pair = await inTurns(part.name, round, async (isOn) => {
      const name = `${part.name} ${isOn}`;
      const { eventRate: rate, cpuPerEventUs: cpuUs } = await measure(
        { ...part, name, environment: environmentOf(isOn) },
        settings,
        cleanup,
      );
      return { rate, cpuUs };
    });
    pairs.push(pair);
  }
  return pairs;
}

async function readAmong(folder: string, stored: Size, cleanup: Cleanup): Promise<Distribution> {
  await build(folder, stored, cleanup);
  return readTimelines(folder, { keys: stored.keys, reads: Number(values.reads) });
}

function costLines(pairs: readonly Pair[]): string[] {
  const middle = (some: readonly Pair[], of: (pair: Pair) => number, digits: number) => figure(median(some.map(of)), digits);
  return tableLines(
    ['events/s', 'without', 'with', 'ratio', 'CPU µs without', 'CPU µs with', 'ratio of CPU'],
    Array.from(
      Map.groupBy(pairs, ({ load }) => load),
      ([load, some]) => [
        load,
        middle(some, ({ withoutIt }) => withoutIt.rate, 0),
        middle(some, ({ withIt }) => withIt.rate, 0),
        middle(some, ({ withIt, withoutIt }) => withIt.rate / withoutIt.rate, 2),
        middle(some, ({ withoutIt }) => withoutIt.cpuUs, 1),
        middle(some, ({ withIt }) => withIt.cpuUs, 1),
        middle(some, ({ withIt, withoutIt }) => withoutIt.cpuUs / withIt.cpuUs, 2),
      ],
    ),
  );
}

function readLine({ count, p50, p99, max }: Distribution): string {
  const milliseconds = `p50 ${figure(p50, 1)} ms, p99 ${figure(p99, 1)} ms, longest ${figure(max, 1)} ms`;
  return `Newest page of ${figure(count)} timelines, of any of ${values.stored
    .split(',')
    .map(Number)
    .map((size) => figure(size))
    .join(' events and ')} keys: ${milliseconds}`;
}

function sizeOf(text: string): Size {
  const [events, keysStored] = text.split(',').map(Number);
  if (events === undefined || keysStored === undefined || !(events > 0 && keysStored > 0))
    throw new Error(`expected EVENTS,KEYS, found ${text}`);
  return { events, keys: keysStored };
}
