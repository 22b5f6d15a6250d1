import { parseArgs } from 'node:util';
import { messageOf } from '../src/errors.ts';
import { Checkout } from './mutants/checkout.ts';
import { mutants } from './mutants/list.ts';
import { chosen, type Mutant } from './mutants/mutant.ts';
import { markdownTable, plainTable } from './mutants/table.ts';
import { faultsOf, tryMutant, type Verdict } from './mutants/trial.ts';

const help = `Breaks the program on purpose, in one way after another, and checks that the tests notice each of them.

  node sim/mutants.ts [options]

  --only NAME    only mutants with this in their name; may be given more than once
  --jobs N       mutants tried at once, each in a copy of the checkout (2)
  --markdown     the table for a page of the docs

Exit code 1: a mutant survived, or a test fails without any.
`;

const values = read();
if (values === undefined) process.exitCode = 2;
else if (values.help) say(help);
else process.exitCode = await main(values);

/** Returns undefined for an unknown option. */
function read() {
  try {
    return parseArgs({
      options: {
        only: { type: 'string', multiple: true },
        jobs: { type: 'string', default: '2' },
        markdown: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n${help}`);
    return undefined;
  }
}

interface Options {
  readonly only?: readonly string[];
  readonly jobs: string;
  readonly markdown: boolean;
}

async function main({ only, markdown, ...options }: Options): Promise<number> {
  const jobs = Number(options.jobs);
  if (!Number.isSafeInteger(jobs) || jobs < 1) return fail(`--jobs: expected a positive integer, found ${options.jobs}`);
  const asked = only === undefined ? mutants : mutants.filter(({ name }) => only.some((part) => name.includes(part)));
  if (asked.length === 0) return fail('--only: expected a part of a mutant’s name, found none with it');
  const checkouts = Array.from({ length: jobs }, () => new Checkout());
  try {
    const faults = await unmutated(checkouts, asked);
    if (faults.length > 0) return fail(`without any mutant:\n${faults.join('\n')}`);
    return conclude(await tryAll(checkouts, asked), markdown ? markdownTable : plainTable);
  } finally {
    for (const checkout of checkouts) checkout.remove();
  }
}

/** Returns the failures of the tests before any mutation. */
async function unmutated(checkouts: readonly Checkout[], asked: readonly Mutant[]): Promise<readonly string[]> {
  const named = new Map<string, Set<string | undefined>>();
  for (const choice of asked.flatMap(({ tests }) => tests.map(chosen))) {
    const names = named.get(choice.file) ?? new Set();
    names.add(choice.named);
    named.set(choice.file, names);
  }
  const faults = await inTurn(checkouts, Array.from(named), (checkout, [file, names]) => faultsOf(checkout, file, Array.from(names)));
  say(`${named.size} test files without any mutant: ${faults.flat().length === 0 ? 'green' : 'red'}\n`);
  return faults.flat();
}

async function tryAll(checkouts: readonly Checkout[], asked: readonly Mutant[]): Promise<readonly Verdict[]> {
  let done = 0;
  return inTurn(checkouts, asked, async (checkout, mutant) => {
    const verdict = await tryMutant(checkout, mutant);
    done += 1;
    say(`${done}/${asked.length} ${verdict.failures.length > 0 ? 'caught' : 'SURVIVED'} ${mutant.name}\n`);
    return verdict;
  });
}

function conclude(verdicts: readonly Verdict[], tableOf: (verdicts: readonly Verdict[]) => string): number {
  const survivors = verdicts.filter(({ failures }) => failures.length === 0);
  say(`\n${tableOf(verdicts)}\n\n`);
  for (const { mutant } of survivors) say(`survived: ${mutant.name} (${mutant.file})\n`);
  say(`mutants: ${verdicts.length - survivors.length} of ${verdicts.length} caught\n`);
  return survivors.length === 0 ? 0 : 1;
}

/** Does the work on each item, one at a time per checkout. Returns the answers in the order of the items. */
async function inTurn<T, R>(
  checkouts: readonly Checkout[],
  items: readonly T[],
  work: (checkout: Checkout, item: T) => Promise<R>,
): Promise<readonly R[]> {
  const answers: R[] = [];
  const waiting = items.entries();
  const one = async (checkout: Checkout) => {
    for (const [at, item] of waiting) answers[at] = await work(checkout, item);
  };
  await Promise.all(checkouts.map(one));
  return answers;
}

function say(text: string): void {
  process.stdout.write(text);
}

function fail(message: string): number {
  process.stderr.write(`${message}\n`);
  return 1;
}
