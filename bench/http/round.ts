import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Cleanup } from '../servers/cleanup.ts';
import { type LoadResult, runLoad } from './load.ts';
import { ServerProgram } from './program.ts';
import { scripts } from './scripts.ts';
import { pathOfScript, writeScripts } from './wrk.ts';

/** The database in which Millrace keeps the events of one load. */
export interface RoundDatabase {
  /** The value of `--database`. */
  readonly address: string;
  leave(): Promise<void>;
}

export interface RoundSettings {
  /** A folder that does not exist yet, for scripts and database files. */
  readonly folder: string;
  /** Makes an empty database. */
  enterDatabase(name: string): Promise<RoundDatabase>;
  readonly connections: number;
  /** Number of concurrent batches. */
  readonly batchConnections: number;
  readonly seconds: number;
}

/** A load on Millrace beside the mean of the echoes right before and after it; an echo has no baseline. */
export interface RoundResult extends LoadResult {
  readonly eventsPerEcho?: number;
  readonly p99PerEcho?: number;
}

export interface Part {
  readonly name: string;
  /** The module for `millrace serve`; without it the echo server is measured. */
  readonly served?: string;
  readonly script: keyof typeof scripts;
  readonly isOfBatches?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
}

const echoProgram = fileURLToPath(new URL('echo.ts', import.meta.url));
export const ledger = fileURLToPath(new URL('ledger.ts', import.meta.url));
const launcher = fileURLToPath(new URL('../../bin/millrace.js', import.meta.url));

/** The measurements: loads, and the echo of single requests of the same kind as their baseline. */
const groups: readonly { readonly echo: Part; readonly loads: readonly Part[] }[] = [
  {
    echo: { name: 'echo of events', script: 'singleEvent' },
    loads: [
      { name: 'events, single', served: 'events', script: 'singleEvent' },
      { name: 'events, batches of 100', served: 'events', script: 'batchOfEvents', isOfBatches: true },
    ],
  },
  {
    echo: { name: 'echo of ledger events', script: 'singleLedgerEvent' },
    loads: [
      { name: 'ledger, single', served: ledger, script: 'singleLedgerEvent' },
      { name: 'ledger, batches of 100', served: ledger, script: 'batchOfLedgerEvents', isOfBatches: true },
    ],
  },
  {
    echo: { name: 'echo of messages', script: 'singleMessage' },
    loads: [{ name: 'rockets, single', served: 'rockets', script: 'singleMessage' }],
  },
];

/** Runs all loads once, each between two echoes: the speed of a shared machine changes within minutes. */
export async function runRound(settings: RoundSettings, cleanup: Cleanup): Promise<RoundResult[]> {
  mkdirSync(settings.folder);
  writeScripts(settings.folder, scripts);
  const results: RoundResult[] = [];
  for (const { echo, loads } of groups) {
    let before = await measure(echo, settings, cleanup);
    results.push(before);
    for (const load of loads) {
      const own = await measure(load, settings, cleanup);
      const after = await measure(echo, settings, cleanup);
      results.push({ ...own, eventsPerEcho: ratio(own, before, after, 'eventRate'), p99PerEcho: ratio(own, before, after, 'p99') }, after);
      before = after;
    }
  }
  return results;
}

function ratio(own: LoadResult, before: LoadResult, after: LoadResult, of: 'eventRate' | 'p99'): number {
  return own[of] / ((before[of] + after[of]) / 2);
}

/** Runs one load on its own warm server, with its own database. */
export async function measure(part: Part, settings: RoundSettings, cleanup: Cleanup): Promise<LoadResult> {
  const { folder, connections, batchConnections, seconds } = settings;
  const database = part.served === undefined ? undefined : await settings.enterDatabase(part.name.replaceAll(/\W+/g, '-'));
  const server = await serve(part, { folder, database }, cleanup);
  const load = {
    name: part.name,
    server,
    script: pathOfScript(folder, part.script),
    connections: part.isOfBatches ? batchConnections : connections,
    seconds,
    isHandled: part.served !== undefined,
  };
  // The warm-up counts for neither side.
  await runLoad({ ...load, seconds: Math.max(1, Math.round(seconds / 4)) }, cleanup);
  const result = await runLoad(load, cleanup);
  await server.stop();
  await database?.leave();
  return result;
}

interface Place {
  readonly folder: string;
  readonly database: RoundDatabase | undefined;
}

function serve({ served, environment }: Part, { folder, database }: Place, cleanup: Cleanup): Promise<ServerProgram> {
  if (served === undefined || database === undefined) return ServerProgram.start([echoProgram], { cwd: folder }, cleanup);
  const words = [launcher, 'serve', served, '--port', '0', '--database', database.address];
  return ServerProgram.start(words, { cwd: folder, environment: { LOG_LEVEL: 'error', ...environment } }, cleanup);
}
