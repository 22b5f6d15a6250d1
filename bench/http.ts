/** Millrace over HTTP beside a bare echo server: `npm run http -- --help`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readArguments } from './arguments.ts';
import { ServerProgram } from './http/program.ts';
import { type Load, type LoadResult, runLoad } from './http/round.ts';
import { batchOfEvents, singleEvent, singleMessage } from './http/scripts.ts';
import { writeScript } from './http/wrk.ts';
import { barChart } from './report/bar-chart.ts';
import { describeMachine, machineLines } from './report/machine.ts';
import { figure, tableLines } from './report/table.ts';
import { Cleanup } from './servers/cleanup.ts';
import { median } from './work/distribution.ts';

const usage = `Usage: npm run http -- [options]
  --runs N         rounds, alternating; medians are shown (5)
  --seconds N      how long each load takes (10)
  --connections N  (64)
  --folder PATH    on the disk to be measured (the system's temporary folder)
  --json FILE      all figures of all rounds
  --charts FOLDER  an SVG chart
`;

const values = readArguments(
  {
    options: {
      runs: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '10' },
      connections: { type: 'string', default: '64' },
      folder: { type: 'string' },
      json: { type: 'string' },
      charts: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  },
  usage,
);

/** What each load is measured against, within a round. */
const limitOf: Readonly<Record<string, string>> = {
  'events, single': 'echo of events',
  'events, batches of 100': 'echo of events',
  'rockets, single': 'echo of messages',
};

const echoProgram = fileURLToPath(new URL('http/echo.ts', import.meta.url));
const launcher = fileURLToPath(new URL('../bin/millrace.js', import.meta.url));

if (values.help) process.stdout.write(usage);
else await main();

async function main(): Promise<void> {
  const cleanup = new Cleanup();
  try {
    const folder = cleanup.folder(values.folder);
    const machine = describeMachine(folder, {});
    process.stdout.write(`${machineLines(machine).join('\n')}\n\n`);
    const rounds: LoadResult[][] = [];
    for (let round = 1; round <= Number(values.runs); round += 1) {
      rounds.push(await runRound(join(folder, `round-${round}`), cleanup));
      process.stdout.write(
        `round ${round}: ${rounds
          .at(-1)
          ?.map((one) => `${one.name} ${Math.round(one.eventRate)}/s`)
          .join(', ')}\n`,
      );
    }
    process.stdout.write(`\n${summaryLines(rounds).join('\n')}\n`);
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ machine, settings: values, rounds }, null, 2)}\n`);
    if (values.charts !== undefined) writeChart(values.charts, rounds, machineLines(machine));
  } finally {
    await cleanup.run();
  }
}

/** All loads once, each on servers of its own that are warm, with databases of their own. */
async function runRound(folder: string, cleanup: Cleanup): Promise<LoadResult[]> {
  mkdirSync(folder);
  const script = {
    event: writeScript(folder, 'event', singleEvent),
    batch: writeScript(folder, 'batch', batchOfEvents),
    message: writeScript(folder, 'message', singleMessage),
  };
  const results: LoadResult[] = [];
  const measure = async (name: string, system: string | undefined, path: string) => {
    const server = await serve(system, folder, name, cleanup);
    const load: Load = {
      name,
      url: server.url,
      script: path,
      connections: Number(values.connections),
      seconds: Number(values.seconds),
      isHandled: system !== undefined,
    };
    // The warm-up is left out on every side.
    await runLoad({ ...load, seconds: Math.max(1, Math.round(load.seconds / 4)) }, cleanup);
    results.push(await runLoad(load, cleanup));
    await server.stop();
  };
  await measure('echo of events', undefined, script.event);
  await measure('events, single', 'events', script.event);
  await measure('events, batches of 100', 'events', script.batch);
  await measure('echo of messages', undefined, script.message);
  await measure('rockets, single', 'rockets', script.message);
  return results;
}

function serve(system: string | undefined, folder: string, name: string, cleanup: Cleanup): Promise<ServerProgram> {
  if (system === undefined) return ServerProgram.start([echoProgram], { cwd: folder }, cleanup);
  const database = `sqlite:${join(folder, `${name.replaceAll(/\W+/g, '-')}.db`)}`;
  const words = [launcher, 'serve', system, '--port', '0', '--database', database];
  return ServerProgram.start(words, { cwd: folder, environment: { LOG_LEVEL: 'error' } }, cleanup);
}

function summaryLines(rounds: readonly LoadResult[][]): string[] {
  const rows = namesOf(rounds).map((name) => {
    const own = rounds.flatMap((round) => round.filter((one) => one.name === name));
    const middle = (of: (one: LoadResult) => number) => median(own.map(of));
    const ratio = (of: (one: LoadResult) => number) =>
      median(
        rounds.flatMap((round) => {
          const one = round.find((result) => result.name === name);
          const limit = round.find((result) => result.name === limitOf[name]);
          return one === undefined || limit === undefined ? [] : [of(one) / of(limit)];
        }),
      );
    return [
      name,
      figure(middle((one) => one.requestRate)),
      figure(middle((one) => one.eventRate)),
      figure(
        middle((one) => one.p50),
        2,
      ),
      figure(
        middle((one) => one.p99),
        2,
      ),
      figure(
        ratio((one) => one.eventRate),
        2,
      ),
      figure(
        ratio((one) => one.p99),
        2,
      ),
      figure(own.reduce((sum, one) => sum + one.failures, 0)),
    ];
  });
  return tableLines(['', 'requests/s', 'events/s', 'p50 ms', 'p99 ms', 'events per echo', 'p99 ÷ echo', 'not 2xx'], rows);
}

function namesOf(rounds: readonly LoadResult[][]): string[] {
  return [...new Set(rounds.flat().map(({ name }) => name))];
}

function writeChart(folder: string, rounds: readonly LoadResult[][], notes: readonly string[]): void {
  mkdirSync(folder, { recursive: true });
  const bars = namesOf(rounds).map((name) => {
    const value = median(rounds.flat().flatMap((one) => (one.name === name ? [one.eventRate] : [])));
    return { label: name, value, text: `${figure(value)} /s`, isOurs: limitOf[name] !== undefined };
  });
  writeFileSync(join(folder, 'http.svg'), barChart('Over HTTP: events accepted and processed per second (more is better)', notes, bars));
}
