import type { Checkout } from './checkout.ts';
import { chosen, type Mutant, type TestChoice } from './mutant.ts';
import { runTests } from './run-tests.ts';

/** A test that has failed. */
export interface Failure {
  readonly file: string;
  readonly test: string;
  readonly isTimeOut: boolean;
}

/** What came of a mutant. */
export interface Verdict {
  readonly mutant: Mutant;
  /** The tests that caught it, the most telling one first; none: it survived. */
  readonly failures: readonly Failure[];
  readonly seconds: number;
}

/** Runs a mutant's tests against it, file by file until one has caught it. */
export function tryMutant(checkout: Checkout, mutant: Mutant): Promise<Verdict> {
  return checkout.with(mutant, async () => {
    const from = performance.now();
    let failures: readonly Failure[] = [];
    for (const choice of mutant.tests) {
      failures = await failuresOf(checkout, choice);
      if (failures.length > 0) break;
    }
    return { mutant, failures, seconds: (performance.now() - from) / 1000 };
  });
}

/** What fails without any mutant, or is named and not there. Answers a line for each. */
export async function faultsOf(checkout: Checkout, file: string, names: readonly string[]): Promise<readonly string[]> {
  const { reports, isCut } = await runTests(checkout.path, file);
  const faults = reports.filter(({ result }) => result !== 'passed').map(({ name, result }) => `${file}: ${name}: ${result}`);
  if (isCut && faults.length === 0) faults.push(`${file}: does not end`);
  for (const named of names) {
    if (!reports.some(({ name }) => name.includes(named))) faults.push(`${file}: expected a test with ${named} in its name, found none`);
  }
  return faults;
}

/** Those that have failed by themselves come first: that a test does not end says less. */
async function failuresOf(checkout: Checkout, choice: TestChoice): Promise<readonly Failure[]> {
  const { file } = chosen(choice);
  const { reports, isCut } = await runTests(checkout.path, choice);
  const failed = reports.filter(({ result }) => result !== 'passed');
  if (failed.length === 0 && isCut) return [{ file, test: 'the whole file', isTimeOut: true }];
  const failures = failed.map(({ name, result }) => ({ file, test: name, isTimeOut: result === 'timed out' }));
  return [...failures.filter(({ isTimeOut }) => !isTimeOut), ...failures.filter(({ isTimeOut }) => isTimeOut)];
}
