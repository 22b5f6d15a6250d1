import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Cleanup } from '../servers/cleanup.ts';

/** The measurements of `wrk`. Times are in milliseconds. */
export interface WrkResult {
  readonly requests: number;
  /** The 2xx answers among them. */
  readonly answers: number;
  readonly seconds: number;
  /** Of the 2xx answers. */
  readonly requestRate: number;
  readonly p50: number;
  readonly p99: number;
  /** Answers other than 2xx, and failed connections. */
  readonly failures: number;
}

export interface WrkOptions {
  readonly url: string;
  /** Path of the Lua script that makes the requests. */
  readonly script: string;
  readonly connections: number;
  readonly seconds: number;
}

/** The end of every script: it prints the result as one line of JSON. */
const report = `
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('{"requests":%d,"microseconds":%d,"p50":%f,"p99":%f,"failures":%d}\\n', summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
`;

/** Writes scripts for `wrk` into a folder: Lua that defines `request`. */
export function writeScripts(folder: string, scripts: Readonly<Record<string, string>>): void {
  for (const [name, lua] of Object.entries(scripts)) writeFileSync(pathOfScript(folder, name), lua + report);
}

/** Returns the path to which `writeScripts` writes the script of this name. */
export function pathOfScript(folder: string, name: string): string {
  return join(folder, `${name}.lua`);
}

/** Loads a server with a single thread of `wrk`. Throws if `wrk` is missing. */
export async function runWrk({ url, script, connections, seconds }: WrkOptions, cleanup: Cleanup): Promise<WrkResult> {
  const words = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--timeout', '10s', '-s', script, url];
  const running = promisify(execFile)('wrk', words);
  cleanup.add(() => void running.child.kill());
  const { stdout } = await running;
  const line = stdout.split('\n').find((one) => one.startsWith('{'));
  if (line === undefined) throw new Error(`expected a line of JSON from wrk, found: ${stdout}`);
  const raw = JSON.parse(line) as { requests: number; microseconds: number; p50: number; p99: number; failures: number };
  const took = raw.microseconds / 1_000_000;
  const answers = raw.requests - raw.failures;
  return {
    requests: raw.requests,
    answers,
    seconds: took,
    requestRate: answers / took,
    p50: raw.p50 / 1_000,
    p99: raw.p99 / 1_000,
    failures: raw.failures,
  };
}
