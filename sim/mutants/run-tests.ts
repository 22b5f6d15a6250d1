import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestReport } from './reporter.ts';

/** The result of one file of tests. */
export interface TestRun {
  readonly reports: readonly TestReport[];
  /** True if it was ended for taking too long. */
  readonly isCut: boolean;
}

/** The part of a file to run. */
export interface TestSelection {
  readonly file: string;
  /** Those tests alone that have one of these texts in their names; none: all. */
  readonly names: readonly string[];
  /** Time limit of one test, in milliseconds. */
  readonly testMsMax: number;
}

/** A file may take so much longer than one of its tests: none has failed, and yet it does not end. In milliseconds. */
const fileMsMore = 75_000;
/** Once a test has failed the others have so long to fail as well. In milliseconds. */
const graceMs = 1_500;

const reporter = join(import.meta.dirname, 'reporter.ts');

/** Runs the chosen tests of a checkout in a process group of its own, of which nothing is left afterwards. */
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

/** A test runner that another one starts would answer in a form of its own. All runs load the same files but one. */
function environment(): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _, ...others } = process.env;
  return { NODE_COMPILE_CACHE: join(import.meta.dirname, '../../node_modules/.cache/millrace-tests'), ...others };
}

/** Parses a line of the report; undefined for output of the tests themselves. */
function reportOf(line: string): TestReport | undefined {
  return line.startsWith('{"name":') ? JSON.parse(line) : undefined;
}

/** Ends the process and all that it has started. */
function end({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // They have all ended by themselves.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
