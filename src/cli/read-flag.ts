import { readValue, type Values } from '../configuration/values.ts';
import { UsageError } from './usage-error.ts';

/** Parses the value of a flag or an argument. Throws a `UsageError` that names it, the value, and the accepted values. */
export function readFlag<T>(name: string, text: string, values: Values<T>): T {
  return readValue(values, text, (message) => new UsageError(`${name}: ${message}`));
}
