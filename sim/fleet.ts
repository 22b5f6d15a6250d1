import { parseArgs } from 'node:util';
import { pick, randomOf } from '../systems/shared/random.ts';
import { freshSeed, integer, print, runTrial } from './command-line.ts';
import { type DatabaseKind, databaseKinds } from './fleet/database.ts';
import { databaseFaults, type Fault, processFaults } from './fleet/faults.ts';
import { fleet } from './fleet/harness.ts';
import { linesOf } from './fleet/report.ts';

const usage = `Usage: npm run fleet -- [options]

Runs three processes on its own database server under load. Again and again one of them is killed, frozen, cut off from the database, or
stopped; in the end everything is checked against what the clients know.

  --minutes N   how long (default: 5)
  --every N     seconds between two faults (default: 10)
  --lasts N     seconds that a freeze or a cut lasts (default: 20)
  --database K  postgres, or mysql, which starts MariaDB (default: postgres)
  --restarts    restarts the database and ends its connections, instead of inflicting faults on processes
  --keys N      keys of the events (default: 20000)
  --rate N      events sent per second (default: 400)
  --seed N      determines what is sent and what happens. The same seed sends the same, but in real time, so no two runs are the
                same (default: a fresh one, which is printed)
`;

await runTrial({
  name: 'fleet',
  usage,
  readOptions,
  async run(options, signal) {
    const { minutes, seed, database, onDatabase } = options;
    print(`fleet: ${minutes} minutes on ${database}, ${onDatabase ? 'faults of the database' : 'faults of processes'}, --seed ${seed}`);
    const outcome = await fleet({ ...options, faults: faultsOf(options), signal, progress: print });
    for (const line of linesOf(outcome)) print(line);
    return outcome;
  },
});

interface Options {
  readonly minutes: number;
  readonly everyMs: number;
  readonly lastsMs: number;
  readonly database: DatabaseKind;
  readonly onDatabase: boolean;
  readonly keys: number;
  readonly rate: number;
  readonly seed: number;
}

function readOptions(): Options {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      ...{ minutes: text, every: text, lasts: text, keys: text, rate: text, seed: text, database: text },
      restarts: { type: 'boolean', default: false },
    },
  });
  return {
    minutes: integer(values.minutes, '--minutes', 1) ?? 5,
    everyMs: 1_000 * (integer(values.every, '--every', 1) ?? 10),
    lastsMs: 1_000 * (integer(values.lasts, '--lasts', 1) ?? 20),
    database: kindOf(values.database),
    onDatabase: values.restarts,
    keys: integer(values.keys, '--keys', 1) ?? 20_000,
    rate: integer(values.rate, '--rate', 1) ?? 400,
    seed: integer(values.seed, '--seed', 0) ?? freshSeed(),
  };
}

function kindOf(found = 'postgres'): DatabaseKind {
  const kind = databaseKinds.find((one) => one === found);
  if (kind === undefined) throw new Error(`--database: expected ${databaseKinds.join(' or ')}, found ${found}`);
  return kind;
}

/** Starts with one of each kind, so that even a short run has all. */
function faultsOf({ minutes, everyMs, onDatabase, seed }: Options): readonly Fault[] {
  const random = randomOf(seed, 3);
  const kinds: readonly [Fault, ...Fault[]] = onDatabase ? databaseFaults : processFaults;
  const count = Math.max(1, Math.floor((minutes * 60_000) / everyMs) - 1);
  return Array.from({ length: count }, (_, nth) => kinds[nth] ?? pick(random, kinds));
}
