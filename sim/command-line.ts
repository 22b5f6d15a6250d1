import { messageOf } from '../src/errors.ts';

/** Maximum failures shown: one fault often breaks many things. */
const shownMax = 20;

/** A program that breaks things on purpose for a while, and then reports what did not hold. */
export interface Trial<Options> {
  readonly name: string;
  readonly usage: string;
  /** Parses the command line. Throws for invalid words. */
  readOptions(): Options;
  /** Prints its progress. Throws if the signal is aborted before its end. */
  run(options: Options, signal: AbortSignal): Promise<Verdict>;
}

interface Verdict {
  readonly broken: readonly string[];
  /** The evidence of a failure; undefined if nothing is broken. */
  readonly folder: string | undefined;
}

/**
 * Runs a trial until it is over or the process is told to end. The exit code is 0, 1 if something is broken, 2 for invalid words, or 130.
 */
export async function runTrial<Options>(trial: Trial<Options>): Promise<void> {
  const broughtDown = new AbortController();
  process.once('SIGINT', () => broughtDown.abort());
  process.once('SIGTERM', () => broughtDown.abort());
  process.exitCode = await exitCodeOf(trial, broughtDown.signal);
}

async function exitCodeOf<Options>({ name, usage, readOptions, run }: Trial<Options>, signal: AbortSignal): Promise<number> {
  if (process.argv.some((word) => word === '--help' || word === '-h')) {
    process.stdout.write(usage);
    return 0;
  }
  let options: Options;
  try {
    options = readOptions();
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n\n${usage}`);
    return 2;
  }
  try {
    const { broken, folder } = await run(options, signal);
    for (const words of broken.slice(0, shownMax)) print(`broken: ${words}`);
    if (broken.length > shownMax) print(`and ${broken.length - shownMax} more`);
    print(folder === undefined ? `${name}: ok` : `${name}: ${broken.length} broken; the remains are in ${folder}`);
    return broken.length === 0 ? 0 : 1;
  } catch (error) {
    if (!signal.aborted) throw error;
    print(`${name}: interrupted`);
    return 130;
  }
}

/** Parses a number; undefined if absent. Throws for anything but a whole number from `least`. */
export function integer(text: string | undefined, flag: string, least: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text) && Number(text) >= least) return Number(text);
  throw new Error(`${flag}: expected a whole number from ${least}, found ${text}`);
}

/** Returns a seed that was most likely never tried. */
export function freshSeed(): number {
  return Math.floor(Math.random() * 2 ** 31);
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
