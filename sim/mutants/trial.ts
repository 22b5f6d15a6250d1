import type { Checkout } from './checkout.ts';
import { chosen, type Mutant, type TestChoice } from './mutant.ts';
import { runTests } from './run-tests.ts';

/** Time after which a hanging test counts as failed, in milliseconds. */
const testMsMax = 15_000;
/** Without a mutant no test may be mistaken for one that hangs. */
const patientMsMax = 60_000;

/** A test that has failed. */
interface Failure {
  readonly file: string;
  readonly test: string;
  readonly isTimeOut: boolean;
}

/** The result of a mutant. */
export interface Verdict {
  readonly mutant: Mutant;
  /** The tests that caught it, the most telling one first; empty if it survived. */
  readonly failures: readonly Failure[];
  readonly seconds: number;
}

/** Runs a mutant's tests against it, file by file, until one has caught it. */
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

/**
 * Returns a line for each test of a file that fails without any mutant, or is named but missing.
 *
 * @param names the named tests; undefined if the whole file counts
 */
export async function faultsOf(checkout: Checkout, file: string, names: readonly (string | undefined)[]): Promise<readonly string[]> {
  const only = names.filter((name) => name !== undefined);
  const { reports, isCut } = await runTests(checkout.path, {
    file,
    names: only.length === names.length ? only : [],
    testMsMax: patientMsMax,
  });
  const faults = reports.filter(({ result }) => result !== 'passed').map(({ name, result }) => `${file}: ${name}: ${result}`);
  if (reports.length === 0) faults.push(`${file}: expected tests, found none`);
  if (isCut && faults.length === 0) faults.push(`${file}: does not end`);
  for (const named of only) {
    if (!reports.some(({ name }) => name.includes(named))) faults.push(`${file}: expected a test with ${named} in its name, found none`);
  }
  return faults;
}

/** Sorts real failures first: a test that hangs says less. */
async function failuresOf(checkout: Checkout, choice: TestChoice): Promise<readonly Failure[]> {
  const { file, named } = chosen(choice);
  const names = named === undefined ? [] : [named];
  const { reports, isCut } = await runTests(checkout.path, { file, names, testMsMax });
  const failed = reports.filter(({ result }) => result !== 'passed');
  if (failed.length === 0 && isCut) return [{ file, test: 'the whole file', isTimeOut: true }];
  const failures = failed.map(({ name, result }) => ({ file, test: name, isTimeOut: result === 'timed out' }));
  return [...failures.filter(({ isTimeOut }) => !isTimeOut), ...failures.filter(({ isTimeOut }) => isTimeOut)];
}
