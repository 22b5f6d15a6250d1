import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestReport } from './reporter.ts';

/** The result of one test file. */
export interface TestRun {
  readonly reports: readonly TestReport[];
  /** True if it was killed for taking too long. */
  readonly isCut: boolean;
}

/** The part of a file to run. */
export interface TestSelection {
  readonly file: string;
  /** Limits the run to tests with one of these texts in their names; empty for all tests. */
  readonly names: readonly string[];
  /** Time limit of one test, in milliseconds. */
  readonly testMsMax: number;
}

/** Extra time for a file over the limit of one test: a file may hang although no test has failed. In milliseconds. */
const fileMsMore = 75_000;
/** Time that the remaining tests get to fail as well once one has failed, in milliseconds. */
const graceMs = 1_500;

const reporter = join(import.meta.dirname, 'reporter.ts');

/** Runs the chosen tests of a checkout in their own process group, and leaves no process behind. */
export async function runTests(checkout: string, { file, names, testMsMax }: TestSelection): Promise<TestRun> {
  const only = names.map((name) => `--test-name-pattern=${name.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')}`);
  const tests = spawn(process.execPath, ['--test', `--test-timeout=${testMsMax}`, `--test-reporter=${reporter}`, ...only, file], {
    cwd: checkout,
    env: environment(),
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  const reports: TestReport[] = [];
  let isCut = false;
  const cut = () => {
    isCut = true;
    end(tests);
  };
  const bound = setTimeout(cut, testMsMax + fileMsMore);
  let grace: NodeJS.Timeout | undefined;
  for await (const line of createInterface({ input: tests.stdout })) {
    const report = reportOf(line);
    if (report === undefined) continue;
    reports.push(report);
    if (report.result !== 'passed') grace ??= setTimeout(cut, graceMs);
  }
  clearTimeout(bound);
  clearTimeout(grace);
  end(tests);
  return { reports, isCut };
}

/** A test runner started by another one reports in its own format. All runs load the same files except one. */
function environment(): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _, ...others } = process.env;
  return { NODE_COMPILE_CACHE: join(import.meta.dirname, '../../node_modules/.cache/millrace-tests'), ...others };
}

/** Parses a line of the report; undefined for output of the tests themselves. */
function reportOf(line: string): TestReport | undefined {
  return line.startsWith('{"name":') ? JSON.parse(line) : undefined;
}

/** Ends the process and everything that it has started. */
function end({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // They have all ended by themselves.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
