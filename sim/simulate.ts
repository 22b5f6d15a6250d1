import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { sqlite } from '../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../src/store/store.ts';
import { randomProgram } from './simulation/random-program.ts';
import { type Report, simulate } from './simulation/simulation.ts';

/*
 * Runs random programs against the real engine under faults, on a clock and in an order that the seed decides, and checks every
 * promise after each. What fails prints its seed, and takes the same course when it is run again.
 */

interface Options {
  readonly seed?: number;
  readonly steps: number;
  readonly programs?: number;
  readonly store: 'memory' | 'sqlite';
  readonly trace: boolean;
  readonly engines: number;
}

function integer(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError(`expected a positive integer, found ${text}`);
}

/** Some seed that was most likely never tried. */
const freshSeed = () => Math.floor(Math.random() * 2 ** 31) + 1;

/** A fresh store; and what becomes of it when the program is over. */
function storeOf(kind: Options['store']): { readonly store?: Store; forget(): void } {
  if (kind === 'memory') return { forget: () => undefined };
  const folder = mkdtempSync(join(tmpdir(), 'millrace-sim-'));
  return { store: sqlite(join(folder, 'sim.db')), forget: () => rmSync(folder, { recursive: true }) };
}

async function run({ seed = freshSeed(), steps, programs = 1, store: kind, trace, engines = 1 }: Options): Promise<void> {
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  say(`${programs} programs of ${steps} steps, from seed ${seed}`);
  const tally = new Map<string, number>();
  const failed: Report[] = [];
  for (let present = seed; present < seed + programs; present += 1) {
    const { store, forget } = storeOf(kind);
    const program = randomProgram(present, steps, { engines });
    const report = await simulate(program, { ...(store && { store }), ...(trace && { trace: say }) });
    forget();
    for (const [what, times] of report.tally) tally.set(what, (tally.get(what) ?? 0) + times);
    if (report.broken.length === 0) continue;
    failed.push(report);
    say(`seed ${present} is broken; npm run sim -- --seed ${present} --steps ${steps} --engines ${program.settings.engines} --trace`);
    for (const what of report.broken) say(`  ${what}`);
  }
  for (const [what, times] of Array.from(tally).sort()) say(`${what.padEnd(28)}${String(times).padStart(10)}`);
  say(`sim: ${programs - failed.length} of ${programs} programs kept every promise`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}

await new Command('sim')
  .description('random programs under faults, on a virtual clock')
  .option('--seed <n>', 'the seed of the first program; by default a fresh one', integer)
  .option('--steps <n>', 'steps in each program', integer, 40)
  .option('--programs <n>', 'how many programs, each with the next seed (default: 1)', integer)
  .addOption(new Option('--store <kind>', 'what the programs run on').choices(['memory', 'sqlite']).default('memory'))
  .option('--engines <n>', 'engines that share a store in memory', integer, 1)
  .option('--trace', 'print everything that happens', false)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .action(run)
  .parseAsync();
