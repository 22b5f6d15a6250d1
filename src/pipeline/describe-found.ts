const lengthMax = 60;

/** A value as messages show it: short, and with escapes for what cannot be shown, such as half of a surrogate pair. */
export function describeFound(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'string') return describeText(value);
  // JSON would show NaN and the infinities as null.
  if (typeof value === 'number') return String(value);
  const json = jsonOf(value);
  return json.length > lengthMax ? `${cut(json)}…` : json;
}

function describeText(text: string): string {
  return text.length > lengthMax ? `${JSON.stringify(cut(text))}…` : JSON.stringify(text);
}

/** The beginning of a text, without half of the pair that the cut goes through. */
function cut(text: string): string {
  const end = text.codePointAt(lengthMax - 1) ?? 0;
  return text.slice(0, end > 0xffff ? lengthMax - 1 : lengthMax);
}

/** Not everything has a JSON text: a circle has none. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? typeof value;
  } catch {
    return typeof value;
  }
}
