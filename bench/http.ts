/** Compares Millrace over HTTP with a bare echo server: `npm run http -- --help`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectionOptions, outputOptions, readArguments } from './arguments.ts';
import { type RoundResult, runRound } from './http/round.ts';
import { describeMachine, machineLines } from './report/machine.ts';
import { overHttpLines, writeOverHttpChart } from './report/over-http.ts';
import { Cleanup } from './servers/cleanup.ts';

const usage = `Usage: npm run http -- [options]
  --runs N               rounds; medians are shown (5)
  --seconds N            length of each load (10)
  --connections N        for single events and for the echo server (64)
  --batch-connections N  for batches (8)
  --folder PATH          on the disk to be measured (the system's temporary folder)
  --json FILE            all figures of all rounds
  --charts FOLDER        an SVG chart
`;

const values = readArguments(
  {
    options: {
      runs: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '10' },
      ...connectionOptions,
      ...outputOptions,
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
    const machine = describeMachine(folder, {});
    process.stdout.write(`${machineLines(machine).join('\n')}\n\n`);
    const rounds: RoundResult[][] = [];
    for (let round = 1; round <= Number(values.runs); round += 1) {
      const own = join(folder, `round-${round}`);
      const settings = {
        folder: own,
        enterDatabase: async (name: string) => ({ address: `sqlite:${join(own, `${name}.db`)}`, leave: async () => undefined }),
        connections: Number(values.connections),
        batchConnections: Number(values['batch-connections']),
        seconds: Number(values.seconds),
      };
      const results = await runRound(settings, cleanup);
      rounds.push(results);
      process.stdout.write(`round ${round}: ${results.map((one) => `${one.name} ${Math.round(one.eventRate)}/s`).join(', ')}\n`);
    }
    process.stdout.write(`\n${overHttpLines(rounds).join('\n')}\n`);
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ machine, settings: values, rounds }, null, 2)}\n`);
    if (values.charts !== undefined) writeOverHttpChart(values.charts, rounds, machineLines(machine));
  } finally {
    await cleanup.run();
  }
}
