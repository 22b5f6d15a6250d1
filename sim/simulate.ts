import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { sqlite } from '../src/store/sqlite/sqlite-store.ts';
import { InboxOfFile } from './simulation/inbox-of-file.ts';
import { type ProgramOptions, randomProgram } from './simulation/random-program.ts';
import { type Report, type SimulationOptions, simulate } from './simulation/simulation.ts';

/*
 * Runs random programs against the real engine under faults, with a clock and an order of events decided by the seed, and checks every
 * promise after each. A failing program prints its seed, and repeats its course when run again.
 */

interface Options {
  readonly seed?: number;
  readonly steps: number;
  readonly programs?: number;
  readonly store: 'memory' | 'sqlite';
  readonly trace: boolean;
  readonly engines?: number;
}

function integer(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError(`expected a positive integer, found ${text}`);
}

/** Returns a seed that was most likely never tried. */
const freshSeed = () => Math.floor(Math.random() * 2 ** 31) + 1;

/** Makes a fresh store, and disposes of it when the program is over. */
function storeOf(kind: Options['store']): { readonly made: SimulationOptions; forget(): void } {
  if (kind === 'memory') return { made: {}, forget: () => undefined };
  const folder = mkdtempSync(join(tmpdir(), 'millrace-sim-'));
  const path = join(folder, 'sim.db');
  return { made: { store: sqlite(path), inbox: new InboxOfFile(path) }, forget: () => rmSync(folder, { recursive: true }) };
}

const say = (line: string) => void process.stdout.write(`${line}\n`);

/** The options of every program. SQLite gets one engine: only a store in memory can be shared by several. */
function programOptions({ store, engines }: Options): ProgramOptions {
  if (store === 'sqlite') return { engines: 1 };
  return engines === undefined ? {} : { engines };
}

async function run(this: Command, options: Options): Promise<void> {
  const { seed = freshSeed(), steps, programs = 1, store: kind, trace, engines = 1 } = options;
  if (kind === 'sqlite' && engines > 1) this.error(`--engines: expected 1 on SQLite, found ${engines}`);
  say(`${programs} programs of ${steps} steps, from seed ${seed}`);
  const tally = new Map<string, number>();
  const failed: Report[] = [];
  for (let present = seed; present < seed + programs; present += 1) {
    const { made, forget } = storeOf(kind);
    const program = randomProgram(present, steps, programOptions(options));
    const report = await simulate(program, { ...made, ...(trace && { trace: say }) });
    forget();
    for (const [what, times] of report.tally) tally.set(what, (tally.get(what) ?? 0) + times);
    if (report.broken.length === 0) continue;
    failed.push(report);
    const which = `--seed ${present} --steps ${steps} --store ${kind} --engines ${program.settings.engines}`;
    say(`seed ${present} is broken; npm run sim -- ${which} --trace`);
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
  .option('--programs <n>', 'number of programs, each with the next seed (default: 1)', integer)
  .addOption(new Option('--store <kind>', 'the store of the programs').choices(['memory', 'sqlite']).default('memory'))
  .option('--engines <n>', 'engines that share a store in memory (default: decided by the seed, one in half of all programs)', integer)
  .option('--trace', 'print everything that happens', false)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .action(run)
  .parseAsync();
