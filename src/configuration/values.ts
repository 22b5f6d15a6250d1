import ms from 'ms';
import { describeFound } from '../describe-found.ts';
import { MillraceError } from '../errors.ts';

/** A kind of value that a flag or variable may have. */
export interface Values<T> {
  /** The accepted values, for the message that refuses a text. */
  readonly accepts: string | ((refused: string) => string);
  /** Returns the value the text stands for, or `undefined` if it is not accepted. */
  read(text: string): T | undefined;
}

/** Whole numbers within bounds, digits only. */
export function integerBetween(min: number, max: number): Values<number> {
  if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || min > max)
    refuse(`integerBetween: expected two integers, the lower one first, found ${describeFound(min)} and ${describeFound(max)}`);
  return {
    accepts: `an integer from ${min} to ${max}`,
    read(text) {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return value >= min && value <= max ? value : undefined;
    },
  };
}

type Span = `${number}${'ms' | 's' | 'm' | 'h'}`;

/** Durations in milliseconds, written `500ms`, `10s`, `2m` or `24h`, as `longest` is. Only 0 needs no unit. */
export function durationUpTo(longest: Span): Values<number> {
  if (typeof longest !== 'string' || !/^\d{1,9}(\.\d{1,9})?(ms|s|m|h)$/.test(longest))
    refuse(`durationUpTo: expected a duration such as 500ms, 10s, 2m or 24h, found ${describeFound(longest)}`);
  return {
    accepts: `a duration up to ${longest}, such as 500ms, 10s or 2m`,
    read(text) {
      if (text === '0') return 0;
      const value = /^\d{1,9}(\.\d{1,9})?(ms|s|m|h)$/.test(text) ? ms(text as ms.StringValue) : Number.NaN;
      return value <= ms(longest) ? value : undefined;
    },
  };
}

/** Durations as {@link durationUpTo} reads them, no shorter than `shortest`. */
export function durationBetween(shortest: Span, longest: Span): Values<number> {
  const { read } = durationUpTo(longest);
  return {
    accepts: `a duration from ${shortest} to ${longest}, such as 10s or 2m`,
    read(text) {
      const value = read(text);
      return value !== undefined && value >= ms(shortest) ? value : undefined;
    },
  };
}

/** Numbers from 0 to 1, such as `0.1`. */
export const share: Values<number> = {
  accepts: 'a number from 0 to 1',
  read(text) {
    const value = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
    return value <= 1 ? value : undefined;
  },
};

/** Reads a text. The message says what is accepted and what was found; `refusal` turns it into the error to throw. */
export function readValue<T>(values: Values<T>, text: string, refusal: (message: string) => Error, found: string = shown(text)): T {
  const value = values.read(text);
  if (value !== undefined) return value;
  throw refusal(`expected ${acceptedBy(values, text)}, found ${found}`);
}

/** Returns a description of the accepted values, in place of a refused text. */
export function acceptedBy({ accepts }: Values<unknown>, refused: string): string {
  return typeof accepts === 'string' ? accepts : accepts(refused);
}

function refuse(message: string): never {
  throw new MillraceError('MILL_INVALID_DECLARATION', message);
}

/** Returns the value fit for display: on one line, shortened, and without the password of a URL. */
function shown(text: string): string {
  const masked = text.replace(/:(?!\/\/).*@/s, ':***@').replace(/([?&;](?:password|passwd|pwd|secret|token|key)=)[^&;]*/gi, '$1***');
  return JSON.stringify(masked.length > 100 ? `${masked.slice(0, 100)}…` : masked);
}
