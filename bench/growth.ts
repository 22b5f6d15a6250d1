import { writeFileSync } from 'node:fs';
import { outputOptions, readArguments } from './arguments.ts';
import { describeMachine, machineLines } from './report/machine.ts';
import { tablesLines } from './report/tables.ts';
import { Cleanup } from './servers/cleanup.ts';
import { type GrowthKind, type SessionLevel, sessionLevels } from './tables/database.ts';
import { measureTables, type TablesSettings } from './tables/measure-tables.ts';

const usage = (kind: GrowthKind) => `Usage: npm run ${kind}-growth -- [options]
  --minutes N         length of the load (10)
  --rate N            events per second, for all processes together (3000)
  --members N         processes, each an engine with a share of the load (3)
  --keys N            keys of each of the two pipelines (20000)
  --warm-up N         seconds of load before the first sizes are taken (30)
  --idle-seconds N    how long the idle fleet is observed (30)
  --session LEVEL     isolation of a session that sits idle in a transaction meanwhile: ${sessionLevels.join(', ')} (repeatable-read)
  --folder PATH       on the disk to be measured (the system's temporary folder)
  --json FILE         all figures
`;

/** Measures how the tables of a kind of database grow, and what a fleet asks of it: reads the command line, measures, and prints. */
export async function runGrowth(kind: GrowthKind): Promise<void> {
  const values = readArguments({ options }, usage(kind));
  if (values.help) process.stdout.write(usage(kind));
  else await measure(kind, values);
}

const options = {
  minutes: { type: 'string', default: '10' },
  rate: { type: 'string', default: '3000' },
  members: { type: 'string', default: '3' },
  keys: { type: 'string', default: '20000' },
  'warm-up': { type: 'string', default: '30' },
  'idle-seconds': { type: 'string', default: '30' },
  session: { type: 'string', default: 'repeatable-read' },
  folder: outputOptions.folder,
  json: outputOptions.json,
  help: outputOptions.help,
} as const;

async function measure(kind: GrowthKind, values: ReturnType<typeof readArguments<{ readonly options: typeof options }>>): Promise<void> {
  const cleanup = new Cleanup();
  try {
    const folder = cleanup.folder(values.folder);
    const machine = describeMachine(folder, {});
    process.stdout.write(`${machineLines(machine).join('\n')}\n\n`);
    const settings: TablesSettings = {
      kind,
      members: Number(values.members),
      keys: Number(values.keys),
      rate: Number(values.rate),
      warmUpSeconds: Number(values['warm-up']),
      seconds: 60 * Number(values.minutes),
      idleSeconds: Number(values['idle-seconds']),
      session: sessionOf(values.session),
    };
    const result = await measureTables(folder, settings, cleanup);
    process.stdout.write(`${tablesLines(result, settings).join('\n')}\n`);
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ machine, settings, ...result }, null, 2)}\n`);
  } finally {
    await cleanup.run();
  }
}

function sessionOf(name: string): SessionLevel {
  const level = sessionLevels.find((one) => one === name);
  if (level === undefined) throw new Error(`--session: expected one of ${sessionLevels.join(', ')}, found ${name}`);
  return level;
}
