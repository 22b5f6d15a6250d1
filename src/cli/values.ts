import ms from 'ms';

/** How the text of a flag or variable is read. `undefined` stands for: not accepted. */
export type Read<T> = (text: string) => T | undefined;

/** A whole number within bounds, digits only. */
export function integerBetween(min: number, max: number): Read<number> {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? value : undefined;
  };
}

/** A number from 0 to 1, such as `0.1`. */
export function share(text: string): number | undefined {
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
  return value <= 1 ? value : undefined;
}

/** A span of time in milliseconds, written `500ms`, `10s` or `2m`, at most `maxMs`. Only 0 needs no unit. */
export function durationUpTo(maxMs: number): Read<number> {
  return (text) => {
    if (text === '0') return 0;
    const value = /^\d{1,9}(\.\d{1,9})?(ms|s|m|h)$/.test(text) ? ms(text as ms.StringValue) : Number.NaN;
    return value <= maxMs ? value : undefined;
  };
}

/** The value as it may be shown: on one line, not endless, without the password of a URL. */
export function shown(text: string): string {
  const masked = text.replace(/:(?!\/\/).*@/s, ':***@').replace(/([?&;](?:password|passwd|pwd|secret|token|key)=)[^&;]*/gi, '$1***');
  return JSON.stringify(masked.length > 100 ? `${masked.slice(0, 100)}…` : masked);
}
