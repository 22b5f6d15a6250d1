/** Millrace beside its peers on the same work: `npm start -- --help`. */
import { writeFileSync } from 'node:fs';
import { readArguments } from './arguments.ts';
import { measureCrash } from './measures/crash.ts';
import { Rooms } from './measures/rooms.ts';
import { type Outcome, summarize } from './measures/summary.ts';
import { measureThroughput, type Settings } from './measures/throughput.ts';
import { type PeerDescription, peerNamed, peers } from './peers/index.ts';
import { comparisonLines, writeCharts } from './report/comparison.ts';
import { describeMachine, machineLines } from './report/machine.ts';
import { Cleanup } from './servers/cleanup.ts';

const usage = `Usage: npm start -- [options]
  --peers LIST     ${peers.map(({ name }) => name).join(',')} (default: all)
  --runs N         runs, interleaved; medians are shown (5)
  --seconds N      how long each measurement takes, about (4)
  --keys N         (10000)
  --window N       events under way when the greatest rate is looked for (256)
  --low-rate N     events per second for the latency at a low rate (100)
  --recovery N     seconds that a peer may take to recover from kill -9 (60)
  --no-crash       without kill -9
  --folder PATH    on the disk to be measured (the system's temporary folder)
  --json FILE      all figures of all runs
  --charts FOLDER  SVG charts
`;

const values = readArguments(
  {
    allowNegative: true,
    options: {
      peers: { type: 'string', default: peers.map(({ name }) => name).join(',') },
      runs: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '4' },
      keys: { type: 'string', default: '10000' },
      window: { type: 'string', default: '256' },
      'low-rate': { type: 'string', default: '100' },
      recovery: { type: 'string', default: '60' },
      crash: { type: 'boolean', default: true },
      folder: { type: 'string' },
      json: { type: 'string' },
      charts: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  },
  usage,
);

if (values.help) process.stdout.write(usage);
else await main();

async function main(): Promise<void> {
  const chosen = values.peers.split(',').map(peerNamed);
  const cleanup = new Cleanup();
  try {
    const folder = cleanup.folder(values.folder);
    const rooms = await Rooms.open(chosen, folder, cleanup);
    const machine = describeMachine(folder, await rooms.versions());
    process.stdout.write(`${machineLines(machine).join('\n')}\n\n`);
    const outcomes: Outcome[] = [];
    for (let run = 1; run <= Number(values.runs); run += 1) {
      for (const peer of chosen) {
        if (cleanup.isUnderWay) return;
        outcomes.push(await measure(peer, run, rooms, cleanup));
      }
    }
    const summaries = summarize(outcomes);
    process.stdout.write(`\n${comparisonLines(summaries, settings().lowRate).join('\n')}\n`);
    if (values.json !== undefined)
      writeFileSync(values.json, `${JSON.stringify({ machine, settings: settings(), summaries, outcomes }, null, 2)}\n`);
    if (values.charts !== undefined) writeCharts(values.charts, summaries, machineLines(machine));
  } finally {
    await cleanup.run();
  }
}

function settings(): Settings {
  return {
    keys: Number(values.keys),
    seed: 1,
    seconds: Number(values.seconds),
    window: Number(values.window),
    lowRate: Number(values['low-rate']),
    stallMs: 30_000,
    recoveryMs: Number(values.recovery) * 1_000,
  };
}

/** A peer that fails has no figures, and the others go on. */
async function measure(peer: PeerDescription, run: number, rooms: Rooms, cleanup: Cleanup): Promise<Outcome> {
  const failures: string[] = [];
  const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      failures.push(`run ${run}: ${what}: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  };
  const inRoom = async <T>(work: (room: Awaited<ReturnType<Rooms['enter']>>) => Promise<T>): Promise<T> => {
    const room = await rooms.enter(peer);
    try {
      return await work(room);
    } finally {
      await room.leave();
    }
  };
  process.stdout.write(`run ${run}: ${peer.title} …`);
  const throughput = await attempt('throughput', () => inRoom((room) => measureThroughput(peer, room, settings(), cleanup)));
  const rate = throughput?.drainRate;
  const crash =
    values.crash && rate !== undefined
      ? await attempt('kill -9', () => inRoom((room) => measureCrash(peer, room, settings(), rate, cleanup)))
      : undefined;
  process.stdout.write(` drains ${Math.round(rate ?? 0)} events/s\n`);
  return { run, peer: peer.name, failures, ...(throughput && { throughput }), ...(crash && { crash }) };
}
