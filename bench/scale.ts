/** Measures the cost of Millrace at large scale: `npm run scale -- --help`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readArguments } from './arguments.ts';
import { describeMachine, machineLines } from './report/machine.ts';
import { figure, tableLines } from './report/table.ts';
import { type Growth, measureGrowth } from './scale/growth.ts';
import { type Idle, type Idleness, measureIdle } from './scale/idle.ts';
import { measureRestart, type Restart } from './scale/restart.ts';
import { Cleanup } from './servers/cleanup.ts';

const usage = `Usage: npm run scale -- [options]
  --only LIST        growth,idle,restart (default: all)
  --small N,K        events and keys of the small database (100000,10000)
  --large N,K        events and keys of the large one (10000000,1000000)
  --measured N       events per measurement of their cost (50000)
  --rounds N         measurements of each, alternating (5)
  --idle-keys N      keys with a timer each (1000000)
  --idle-seconds N   how long the idle process is observed (10)
  --backlog N        events that wait for the restart (1000000)
  --folder PATH      on the disk to be measured (the system's temporary folder)
  --json FILE        all figures
`;

const values = readArguments(
  {
    options: {
      only: { type: 'string', default: 'growth,idle,restart' },
      small: { type: 'string', default: '100000,10000' },
      large: { type: 'string', default: '10000000,1000000' },
      measured: { type: 'string', default: '50000' },
      rounds: { type: 'string', default: '5' },
      'idle-keys': { type: 'string', default: '1000000' },
      'idle-seconds': { type: 'string', default: '10' },
      backlog: { type: 'string', default: '1000000' },
      folder: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  },
  usage,
);

if (values.help) process.stdout.write(usage);
else await main();

async function main(): Promise<void> {
  const cleanup = new Cleanup();
  const chosen = values.only.split(',');
  try {
    const folder = cleanup.folder(values.folder);
    const machine = describeMachine(folder, {});
    process.stdout.write(`${machineLines(machine).join('\n')}\n`);
    const show = (lines: readonly string[]) => process.stdout.write(`\n${lines.join('\n')}\n`);
    const growthSettings = {
      small: sizeOf(values.small),
      large: sizeOf(values.large),
      measured: Number(values.measured),
      rounds: Number(values.rounds),
    };
    const growth = chosen.includes('growth') ? await measureGrowth(folder, growthSettings, cleanup) : undefined;
    if (growth !== undefined) show(growthLines(growth));
    const idle = chosen.includes('idle')
      ? await measureIdle(join(folder, 'idle'), Number(values['idle-keys']), Number(values['idle-seconds']), cleanup)
      : undefined;
    if (idle !== undefined) show(idleLines(idle));
    const restart = chosen.includes('restart')
      ? await measureRestart(join(folder, 'restart'), Number(values.backlog), sizeOf(values.large).keys, cleanup)
      : undefined;
    if (restart !== undefined) show(restartLines(restart));
    if (values.json !== undefined)
      writeFileSync(values.json, `${JSON.stringify({ machine, settings: values, growth, idle, restart }, null, 2)}\n`);
  } finally {
    await cleanup.run();
  }
}

function sizeOf(text: string): { readonly events: number; readonly keys: number } {
  const [events, keys] = text.split(',').map(Number);
  if (events === undefined || keys === undefined || !(events > 0 && keys > 0)) throw new Error(`expected EVENTS,KEYS, found ${text}`);
  return { events, keys };
}

function growthLines(growth: readonly Growth[]): string[] {
  const [small, large] = [sizeOf(values.small), sizeOf(values.large)];
  return [
    `Cost of an event in microseconds, with ${figure(small.events)} events and ${figure(small.keys)} keys stored, and with ${figure(large.events)} and ${figure(large.keys)}`,
    ...tableLines(
      ['events of', 'small', 'large', 'ratio', 'small, CPU', 'large, CPU', 'ratio of CPU'],
      growth.map(({ load, small: little, large: much, ratio }) => [
        load,
        ...[little.elapsedUs, much.elapsedUs].map((us) => figure(us, 1)),
        figure(ratio.elapsedUs, 2),
        ...[little.cpuUs, much.cpuUs].map((us) => figure(us, 1)),
        figure(ratio.cpuUs, 2),
      ]),
    ),
  ];
}

function idleLines({ keys, afterWork, afterRest, afterStart }: Idle): string[] {
  const row = (name: string, one: Idleness) => [
    name,
    figure(one.rssMiB),
    figure(one.cpuPercent, 2),
    figure(one.storeCalls),
    figure(one.systemCalls),
  ];
  return [
    `Idle with ${figure(keys)} keys and as many timers, for ${afterStart.seconds} s`,
    ...tableLines(
      ['', 'RSS MiB', 'CPU %', 'calls of the store', 'reads and writes'],
      [row('after creating them', afterWork), row('a minute later', afterRest), row('after a start on them', afterStart)],
    ),
  ];
}

function restartLines({ backlog, firstProgressMs }: Restart): string[] {
  return [`Restart after kill -9 with ${figure(backlog)} events waiting: first durable effect ${figure(firstProgressMs)} ms after start()`];
}
