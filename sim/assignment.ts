import { parseArgs } from 'node:util';
import { fleetChanges } from './assignment/changes.ts';
import type { Change } from './assignment/rehearsal.ts';
import { integer } from './command-line.ts';

/*
 * Measures the cost of changes to a large fleet, on a virtual clock: the real assignment logic, in many engines, on a database that is a
 * model of the leases. Prints a table.
 */

const usage = `Usage: npm run assignment -- [options]
  --engines N   processes (200)
  --slices N    slices of one pipeline (4096)
  --rolling N   processes replaced one by one in the rolling restart (20)
  --seed N      determines when they start (1)
`;

const names = ['change', 'moves', 'at least', 'even after s', 'longest pause s', 'statements/s', 'busiest second', 'transactions in it'];

const { values } = parseArgs({
  options: {
    engines: { type: 'string' },
    slices: { type: 'string' },
    rolling: { type: 'string' },
    seed: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) process.stdout.write(usage);
else await main();

async function main(): Promise<void> {
  const options = {
    engines: integer(values.engines, '--engines', 1) ?? 200,
    slices: integer(values.slices, '--slices', 1) ?? 4_096,
    rolling: integer(values.rolling, '--rolling', 1) ?? 20,
    seed: integer(values.seed, '--seed', 0) ?? 1,
  };
  say(`${options.engines} engines, ${options.slices} slices`);
  say(`| ${names.join(' | ')} |`);
  say(`|---|${'---:|'.repeat(names.length - 1)}`);
  for await (const change of fleetChanges(options)) say(`| ${cellsOf(change).join(' | ')} |`);
}

function cellsOf({ name, moves, movesMin, evenAfter, pause, statements, statementsMax, transactionsMax }: Change): readonly string[] {
  const whole = (value: number) => Math.round(value).toLocaleString('en');
  return [
    name,
    whole(moves),
    whole(movesMin),
    evenAfter.toFixed(2),
    pause.toFixed(2),
    ...[statements, statementsMax, transactionsMax].map(whole),
  ];
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
