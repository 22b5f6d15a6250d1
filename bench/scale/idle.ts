import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Cleanup } from '../servers/cleanup.ts';

/** What a process does while there is nothing to do. */
export interface Idleness {
  readonly seconds: number;
  readonly rssMiB: number;
  /** Of one core. */
  readonly cpuPercent: number;
  readonly storeCalls: number;
  /** Reads and writes, on files, pipes and sockets. */
  readonly systemCalls: number;
}

export interface Idle {
  readonly keys: number;
  /** In the process that has made the keys and their timers. */
  readonly afterWork: Idleness;
  /** In a process that was started on them. */
  readonly afterStart: Idleness;
}

const program = fileURLToPath(new URL('idle-host.ts', import.meta.url));

/** Makes so many keys with a timer each, and looks at what it costs to have them. */
export async function measureIdle(folder: string, keys: number, seconds: number, cleanup: Cleanup): Promise<Idle> {
  mkdirSync(folder);
  const path = join(folder, 'idle.db');
  const afterWork = await observe(path, keys, seconds, cleanup);
  const afterStart = await observe(path, 0, seconds, cleanup);
  return { keys, afterWork, afterStart };
}

async function observe(path: string, keys: number, seconds: number, cleanup: Cleanup): Promise<Idleness> {
  const words = ['--disable-warning=ExperimentalWarning', program, path, String(keys), String(seconds)];
  const running = promisify(execFile)(process.execPath, words);
  cleanup.add(() => void running.child.kill());
  const { stdout } = await running;
  return JSON.parse(stdout) as Idleness;
}
