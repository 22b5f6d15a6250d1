const number = new Intl.NumberFormat('en');

/** Formats counts in full up to 99,999; above that in thousands and millions. */
export function countText(count: number): string {
  if (count < 100_000) return number.format(Math.round(count * 10) / 10);
  if (count < 1_000_000) return `${Math.round(count / 1000)} k`;
  return `${(count / 1_000_000).toFixed(1)} M`;
}

/** Formats a rate, with one decimal while it is small. */
export function rateText(rate: number | null | undefined): string {
  if (rate === null || rate === undefined) return '–';
  return rate >= 10 || rate === 0 ? countText(Math.round(rate)) : rate.toFixed(1);
}

/** `1 event`, `2 events`. */
export function countOf(count: number, noun: string, nouns = `${noun}s`): string {
  return `${countText(count)} ${count === 1 ? noun : nouns}`;
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** Returns a number and its unit, so that the unit can be styled more quietly. */
export function durationParts(ms: number | null | undefined): readonly [value: string, unit: string] {
  if (ms === null || ms === undefined) return ['–', ''];
  if (ms < 1_000) return [ms < 10 && ms > 0 ? ms.toFixed(1) : String(Math.round(ms)), 'ms'];
  if (ms < 10_000) return [(ms / 1000).toFixed(1), 's'];
  if (ms < 60_000) return [String(Math.round(ms / 1000)), 's'];
  if (ms < 3_600_000) return [String(Math.round(ms / 60_000)), 'min'];
  if (ms < 86_400_000) return [String(Math.round(ms / 3_600_000)), 'h'];
  return [String(Math.round(ms / 86_400_000)), 'd'];
}

/** Formats a duration in at most two units: `93 ms`, `2.1 s`, `6 h 12 min`. */
export function durationText(ms: number): string {
  if (ms < 60_000) return durationParts(ms).join(' ');
  const first = units.findIndex(([, size]) => ms >= size);
  const [unit, size] = units[first] ?? units[3];
  const whole = Math.floor(ms / size);
  const next = units[first + 1];
  const rest = next === undefined ? 0 : Math.floor((ms - whole * size) / next[1]);
  return rest === 0 || next === undefined ? `${whole} ${unit}` : `${whole} ${unit} ${rest} ${next[0]}`;
}

/** Formats how long ago, or how far ahead. */
export function ageText(at: string | number, now: number): string {
  const ms = now - new Date(at).getTime();
  return ms >= 0 ? durationText(Math.max(ms, 0)) : `in ${durationText(-ms)}`;
}

/** Formats a moment of today to the second, of another day with its date; in UTC. */
export function momentText(at: string | number, now = Date.now()): string {
  const iso = new Date(at).toISOString();
  const time = iso.slice(11, 19);
  return iso.slice(0, 10) === new Date(now).toISOString().slice(0, 10) ? time : `${dayText(iso)} ${time}`;
}

/** Formats a moment to the millisecond, in UTC. */
export function preciseText(at: string | number): string {
  return new Date(at).toISOString().slice(11, 23);
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function dayText(iso: string): string {
  return `${Number(iso.slice(8, 10))} ${months[Number(iso.slice(5, 7)) - 1]}`;
}

/** Formats the same moment in the reader's time zone, for titles. */
export function localText(at: string | number): string {
  return new Date(at).toLocaleString('en-GB', { timeZoneName: 'short' });
}

export function bytesText(bytes: number | null | undefined): readonly [value: string, unit: string] {
  if (bytes === null || bytes === undefined) return ['–', ''];
  if (bytes < 1024) return [String(bytes), 'B'];
  if (bytes < 1024 ** 2) return [(bytes / 1024).toFixed(0), 'kB'];
  return [(bytes / 1024 ** 2).toFixed(0), 'MB'];
}
