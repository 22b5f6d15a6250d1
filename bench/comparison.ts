import { writeFileSync } from 'node:fs';
import { comparisonOptions, outputOptions, readArguments, settingsOf } from './arguments.ts';
import { measurePeer, type Outcome } from './measures/outcome.ts';
import { Rooms } from './measures/rooms.ts';
import { type Summary, summarize } from './measures/summary.ts';
import { peerNamed } from './peers/index.ts';
import { comparisonLines, writeCharts } from './report/comparison.ts';
import { describeMachine, machineLines } from './report/machine.ts';
import { Cleanup } from './servers/cleanup.ts';

/** The peers to compare, and the way to compare them. */
interface Comparison {
  /** The command that starts the program. */
  readonly command: string;
  readonly peers: readonly string[];
  /** The peer that is Millrace. */
  readonly ours: string;
  /** The prefix of the charts' names. */
  readonly prefix: string;
  /** Returns the closing lines. */
  conclude(summaries: readonly Summary[]): readonly string[];
}

/** Measures peers in turns, according to the program's arguments, and prints the results. */
export async function compare({ command, peers, ours, prefix, conclude }: Comparison): Promise<void> {
  const usage = `Usage: ${command} -- [options]
  --peers LIST     ${peers.join(',')} (default: all)
  --runs N         runs, interleaved; medians are shown (5)
  --seconds N      approximate length of each measurement (4)
  --keys N         (10000)
  --window N       events under way in the search for the greatest rate (256)
  --low-rate N     events per second for the latency at a low rate (100)
  --recovery N     seconds that a peer may take to recover from kill -9 (60)
  --no-crash       without kill -9
  --folder PATH    on the disk to be measured (the system's temporary folder)
  --json FILE      all figures of all runs
  --charts FOLDER  SVG charts
`;
  const options = { peers: { type: 'string', default: peers.join(',') }, ...comparisonOptions, ...outputOptions } as const;
  const values = readArguments({ allowNegative: true, options }, usage);
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const settings = settingsOf(values);
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
        outcomes.push(await measurePeer(peer, run, { rooms, settings, hasCrash: values.crash, cleanup }));
      }
    }
    const summaries = summarize(outcomes, ours);
    for (const lines of [comparisonLines(summaries, settings.lowRate), conclude(summaries)])
      if (lines.length > 0) process.stdout.write(`\n${lines.join('\n')}\n`);
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ machine, settings, summaries, outcomes }, null, 2)}\n`);
    if (values.charts !== undefined) writeCharts(values.charts, summaries, machineLines(machine), prefix);
  } finally {
    await cleanup.run();
  }
}
