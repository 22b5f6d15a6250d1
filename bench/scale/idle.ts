import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Cleanup } from '../servers/cleanup.ts';

/** The activity of a process without work. */
export interface Idleness {
  readonly seconds: number;
  readonly rssMiB: number;
  /** Share of one core. */
  readonly cpuPercent: number;
  readonly storeCalls: number;
  /** Reads and writes, on files, pipes and sockets. */
  readonly systemCalls: number;
}

/** A process soon after it became idle, and later. */
export interface Observed {
  readonly soon: Idleness;
  readonly rested: Idleness;
}

export interface Idle {
  readonly keys: number;
  /** In the process that made the keys and their timers. */
  readonly afterWork: Idleness;
  /** In the same process a minute after the work. */
  readonly afterRest: Idleness;
  /** In a process started on them. */
  readonly afterStart: Idleness;
}

/** The first sample begins 5 s after the work and lasts 10 s, so the second one begins a minute after the work. */
const restSeconds = 45;

const program = fileURLToPath(new URL('idle-host.ts', import.meta.url));

/** Makes this many keys with a timer each, and measures the cost of having them. */
export async function measureIdle(folder: string, keys: number, seconds: number, cleanup: Cleanup): Promise<Idle> {
  mkdirSync(folder);
  const path = join(folder, 'idle.db');
  const worked = await observe(path, [keys, seconds, restSeconds], cleanup);
  const started = await observe(path, [0, seconds, 0], cleanup);
  return { keys, afterWork: worked.soon, afterRest: worked.rested, afterStart: started.soon };
}

async function observe(path: string, figures: readonly number[], cleanup: Cleanup): Promise<Observed> {
  const words = ['--disable-warning=ExperimentalWarning', program, path, ...figures.map(String)];
  const running = promisify(execFile)(process.execPath, words);
  cleanup.add(() => void running.child.kill());
  const { stdout } = await running;
  return JSON.parse(stdout) as Observed;
}
