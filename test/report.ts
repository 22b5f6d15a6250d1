import { once } from 'node:events';
import { relative } from 'node:path';
import type { EventData } from 'node:test';
import { spec, type TestEvent } from 'node:test/reporters';
import { progressOf } from '../src/cli/progress.ts';

interface Run {
  /** The number of files that run. */
  readonly files: number;
  /** The long-running files that are skipped. */
  readonly long: readonly string[];
  /** The folder that shown paths are relative to. */
  readonly root: string;
}

/** Prints a line for each finished file, then the failures, the skipped tests with their reasons, and the totals. Returns whether all tests passed. */
export async function report(events: AsyncIterable<TestEvent>, run: Run): Promise<boolean> {
  const printed = new Report(run);
  for await (const event of events) printed.take(event);
  return printed.end();
}

class Report {
  readonly #root: string;
  readonly #progress: ReturnType<typeof progressOf>;
  /** Prints failures and totals like `node --test`. */
  readonly #details = new spec();
  readonly #totals: TestEvent[] = [];
  readonly #leftOut: string[];
  /** The results of each file so far, and its output. */
  readonly #tests = new Map<string, { passed: number; failed: number; printed: string }>();
  #passed = true;

  constructor({ files, long, root }: Run) {
    this.#root = root;
    this.#progress = progressOf(files);
    this.#details.on('data', (text) => this.#progress.print(process.stdout, String(text)));
    this.#leftOut = long.map((file) => `${file}: takes long; npm run test:all runs it`);
  }

  take(event: TestEvent): void {
    const { type, data } = event;
    if (type === 'test:complete') this.#completed(data);
    else if (type === 'test:pass' && data.skip !== undefined) this.#skipped(data);
    else if (type === 'test:stdout' || type === 'test:stderr') this.#countsOf(data.file ?? '').printed += data.message;
    else if (type === 'test:diagnostic' && data.file === undefined) this.#totals.push(event);
    else if (type === 'test:fail') {
      this.#passed = false;
      this.#details.write(event);
    }
  }

  async end(): Promise<boolean> {
    this.#progress.end();
    if (this.#leftOut.length > 0) process.stdout.write(`\nleft out:\n${this.#leftOut.map((line) => `  ${line}\n`).join('')}\n`);
    for (const total of this.#totals) this.#details.write(total);
    this.#details.end();
    await once(this.#details, 'end');
    return this.#passed;
  }

  #completed({ name, file = name, entryFile = file, nesting, details }: EventData.TestComplete): void {
    const counts = this.#countsOf(entryFile);
    if (nesting > 0 || name !== file) {
      if (details.type !== 'suite') counts[details.passed ? 'passed' : 'failed'] += 1;
      return;
    }
    const isGood = details.passed && counts.failed === 0;
    const tests = isGood ? `${counts.passed} passed` : `${counts.passed} passed, ${counts.failed} failed`;
    this.#progress.print(
      process.stdout,
      `${isGood ? '✔' : '✖'} ${this.#shown(file)}: ${tests}, ${(details.duration_ms / 1000).toFixed(1)} s\n${isGood ? '' : counts.printed}`,
    );
    this.#progress.step();
  }

  #countsOf(file: string): { passed: number; failed: number; printed: string } {
    const counts = this.#tests.get(file) ?? { passed: 0, failed: 0, printed: '' };
    this.#tests.set(file, counts);
    return counts;
  }

  #skipped({ name, file = '', skip }: EventData.TestPass): void {
    this.#leftOut.push(`${this.#shown(file)}, ${name}: ${typeof skip === 'string' ? skip : 'no reason given'}`);
  }

  #shown(file: string): string {
    return relative(this.#root, file);
  }
}
