/** How tables on Postgres grow, and what a fleet asks of the database: `npm run postgres-growth -- --help`. */
import { writeFileSync } from 'node:fs';
import { outputOptions, readArguments } from './arguments.ts';
import { describeMachine, machineLines } from './report/machine.ts';
import { tablesLines } from './report/tables.ts';
import { Cleanup } from './servers/cleanup.ts';
import { measureTables, sessions, type TablesSettings } from './tables/measure-tables.ts';

const usage = `Usage: npm run postgres-growth -- [options]
  --minutes N         how long the load takes (10)
  --rate N            events per second, of all processes together (3000)
  --members N         processes, each an engine with a share of the load (3)
  --keys N            of each of the two pipelines (20000)
  --warm-up N         seconds of load before the first sizes are taken (30)
  --idle-seconds N    how long the fleet is looked at while it has nothing to do (30)
  --session LEVEL     of the session that sits idle in a transaction meanwhile: ${Object.keys(sessions).join(', ')} (repeatable-read)
  --folder PATH       on the disk to be measured (the system's temporary folder)
  --json FILE         all figures
`;

const values = readArguments(
  {
    options: {
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
    const settings: TablesSettings = {
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

function sessionOf(name: string): keyof typeof sessions {
  if (name in sessions) return name as keyof typeof sessions;
  throw new Error(`--session: expected one of ${Object.keys(sessions).join(', ')}, found ${name}`);
}
