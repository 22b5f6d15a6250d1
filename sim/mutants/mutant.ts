/** A deliberate bug, and the tests that must notice it. */
export interface Mutant {
  /** Its name on the command line and in the table. */
  readonly name: string;
  /** The numbers of the promises that it breaks, from `docs/promises.md`. */
  readonly promises: readonly number[];
  /** The file to be changed, from the root of the checkout. */
  readonly file: string;
  /** A text that occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** They run in this order until one has caught it. */
  readonly tests: readonly TestChoice[];
}

/** A test file, relative to the root of the checkout; with `named`, only its tests with this text in their names. */
export type TestChoice = string | { readonly file: string; readonly named: string };

/** Normalizes a choice. */
export function chosen(choice: TestChoice): { readonly file: string; readonly named: string | undefined } {
  return typeof choice === 'string' ? { file: choice, named: undefined } : choice;
}

/** Returns the source with the bug in it. Throws unless the text to be replaced occurs exactly once. */
export function mutate({ name, file, find, replace }: Mutant, source: string): string {
  const [before, after, ...more] = source.split(find);
  if (before !== undefined && after !== undefined && more.length === 0) return `${before}${replace}${after}`;
  throw new Error(`mutant ${name}: expected its text once in ${file}, found it ${after === undefined ? 0 : more.length + 1} times`);
}
