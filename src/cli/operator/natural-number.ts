import { UsageError } from '../usage-error.ts';

/** Returns a parser for whole numbers from 0. It throws a `UsageError` that names the flag. */
export function naturalNumber(flag: string): (text: string) => number {
  return (text) => {
    if (/^\d{1,9}$/.test(text)) return Number(text);
    throw new UsageError(`${flag}: expected a whole number, found ${JSON.stringify(text)}`);
  };
}
