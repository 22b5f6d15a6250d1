/**
 * Compares Millrace on Postgres with its peers and a bare loop on the same server, in two processes, by its inbox, and over HTTP: `npm run
 * postgres -- --help`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { comparisonOptions, connectionOptions, outputOptions, readArguments, settingsOf } from './arguments.ts';
import { type RoundResult, runRound } from './http/round.ts';
import { type FleetResult, measureFleets } from './measures/fleet.ts';
import { type InboxResult, measureInboxes } from './measures/inbox.ts';
import { attemptTo, measurePeer, type Outcome } from './measures/outcome.ts';
import { Rooms } from './measures/rooms.ts';
import { summarize } from './measures/summary.ts';
import { comparisons, peerNamed } from './peers/index.ts';
import { comparisonLines, writeCharts } from './report/comparison.ts';
import { fleetLines } from './report/fleet.ts';
import { goalLines } from './report/goals.ts';
import { inboxLines } from './report/inbox.ts';
import { describeMachine, machineLines } from './report/machine.ts';
import { overHttpLines } from './report/over-http.ts';
import { Cleanup } from './servers/cleanup.ts';

const usage = `Usage: npm run postgres -- [options]
  --only LIST            peers,fleet,inbox,http (default: all)
  --peers LIST           ${comparisons.postgres.join(',')} (default: all)
  --runs N               runs, interleaved; medians are shown (5)
  --seconds N            approximate length of each measurement (4)
  --http-seconds N       length of each load over HTTP (10)
  --keys N               (10000)
  --window N             events under way in the search for the greatest rate (256)
  --low-rate N           events per second for the latency at a low rate (100)
  --recovery N           seconds that a peer may take to recover from kill -9 (60)
  --no-crash             without kill -9
  --connections N        over HTTP, for single events and for the echo server (64)
  --batch-connections N  over HTTP, for batches (8)
  --folder PATH          on the disk to be measured (the system's temporary folder)
  --json FILE            all figures of all runs
  --charts FOLDER        SVG charts
`;

const values = readArguments(
  {
    allowNegative: true,
    options: {
      only: { type: 'string', default: 'peers,fleet,inbox,http' },
      peers: { type: 'string', default: comparisons.postgres.join(',') },
      ...comparisonOptions,
      'http-seconds': { type: 'string', default: '10' },
      ...connectionOptions,
      ...outputOptions,
    },
  },
  usage,
);

const settings = settingsOf(values);

/** The results of the runs so far. */
interface Results {
  readonly outcomes: Outcome[];
  readonly fleets: FleetResult[];
  readonly inboxes: InboxResult[];
  readonly rounds: RoundResult[][];
  readonly failures: string[];
}

async function main(): Promise<void> {
  const cleanup = new Cleanup();
  try {
    const folder = cleanup.folder(values.folder);
    const rooms = await Rooms.open(comparisons.postgres.map(peerNamed), folder, cleanup);
    const machine = describeMachine(folder, await rooms.versions());
    process.stdout.write(`${machineLines(machine).join('\n')}\n\n`);
    const results: Results = { outcomes: [], fleets: [], inboxes: [], rounds: [], failures: [] };
    for (let run = 1; run <= Number(values.runs); run += 1) await measureRun(run, { rooms, folder, results, cleanup });
    const summaries = summarize(results.outcomes, 'millrace-postgres');
    for (const lines of [
      ...(summaries.length > 0 ? [comparisonLines(summaries, settings.lowRate)] : []),
      ...(results.fleets.length > 0 ? [fleetLines(results.fleets)] : []),
      ...(results.inboxes.length > 0 ? [inboxLines(results.inboxes)] : []),
      ...(results.rounds.length > 0 ? [overHttpLines(results.rounds)] : []),
      goalLines('millrace-postgres', { summaries, ...results }),
      results.failures,
    ])
      if (lines.length > 0) process.stdout.write(`\n${lines.join('\n')}\n`);
    if (values.json !== undefined)
      writeFileSync(values.json, `${JSON.stringify({ machine, settings: values, summaries, ...results }, null, 2)}\n`);
    if (values.charts !== undefined) writeCharts(values.charts, summaries, machineLines(machine), 'postgres-');
  } finally {
    await cleanup.run();
  }
}

interface RunMeans {
  readonly rooms: Rooms;
  readonly folder: string;
  readonly results: Results;
  readonly cleanup: Cleanup;
}

type Measure = (run: number, means: RunMeans) => Promise<void>;

/** In the order of their measurement. */
const measures: Readonly<Record<string, Measure>> = {
  async peers(run, { rooms, results, cleanup }) {
    for (const peer of values.peers.split(',').map(peerNamed))
      if (!cleanup.isUnderWay) results.outcomes.push(await measurePeer(peer, run, { rooms, settings, hasCrash: values.crash, cleanup }));
  },

  async fleet(run, { rooms, results, cleanup }) {
    const fleets = await attemptTo(`run ${run}: fleet`, () => measureFleets(run, rooms, settings, cleanup), results.failures);
    results.fleets.push(...(fleets ?? []));
    print(run, fleets ?? [], (one) => `${one.processes}: ${Math.round(one.drainRate)}/s`);
  },

  async inbox(run, { rooms, results, cleanup }) {
    const inboxes = await attemptTo(`run ${run}: inbox`, () => measureInboxes(run, rooms, settings, cleanup), results.failures);
    results.inboxes.push(...(inboxes ?? []));
    print(run, inboxes ?? [], (one) => `${one.peer}, ${one.perTransaction} a transaction: ${Math.round(one.takenRate)}/s`);
  },

  async http(run, { rooms, folder, results, cleanup }) {
    const round = await attemptTo(`run ${run}: http`, () => measureOverHttp(run, rooms, folder, cleanup), results.failures);
    if (round !== undefined) results.rounds.push(round);
    print(run, round ?? [], (one) => `${one.name} ${Math.round(one.eventRate)}/s`);
  },
};

async function measureRun(run: number, means: RunMeans): Promise<void> {
  const wanted = values.only.split(',');
  for (const [name, measure] of Object.entries(measures)) if (wanted.includes(name) && !means.cleanup.isUnderWay) await measure(run, means);
}

function print<Result>(run: number, results: readonly Result[], words: (one: Result) => string): void {
  process.stdout.write(`run ${run}: ${results.map(words).join(', ')}\n`);
}

function measureOverHttp(run: number, rooms: Rooms, folder: string, cleanup: Cleanup): Promise<RoundResult[]> {
  const enterDatabase = async (name: string) => {
    const { database, leave } = await rooms.enter({ name, server: 'postgres' });
    return { address: database, leave };
  };
  const [connections, batchConnections] = [Number(values.connections), Number(values['batch-connections'])];
  const seconds = Number(values['http-seconds']);
  return runRound({ folder: join(folder, `round-${run}`), enterDatabase, connections, batchConnections, seconds }, cleanup);
}

if (values.help) process.stdout.write(usage);
else await main();
