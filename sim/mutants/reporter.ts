import type { TestEvent } from 'node:test/reporters';

/** The reporter's line about one test, as JSON. */
export interface TestReport {
  /** Includes the names of the enclosing suites. */
  readonly name: string;
  readonly result: 'passed' | 'failed' | 'timed out';
}

/** A reporter for `node --test` that reports each test as it ends. Suites appear only in the names of their tests. */
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const names: string[] = [];
  for await (const { type, data } of events) {
    if (type === 'test:start') names.splice(data.nesting, Number.POSITIVE_INFINITY, data.name);
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (data.details.type === 'suite' || data.skip !== undefined) continue;
    const result = type === 'test:pass' ? 'passed' : resultOf(data.details.error);
    const name = [...names.slice(0, data.nesting), data.name].join(' > ');
    if (result !== undefined) yield `${JSON.stringify({ name, result } satisfies TestReport)}\n`;
  }
}

/** Undefined for a test that failed only because of its subtests. */
function resultOf(error: unknown): TestReport['result'] | undefined {
  const type: unknown = error instanceof Error ? Reflect.get(error, 'failureType') : undefined;
  if (type === 'subtestsFailed') return undefined;
  return type === 'testTimeoutFailure' ? 'timed out' : 'failed';
}
