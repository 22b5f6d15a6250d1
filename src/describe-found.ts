const lengthMax = 60;

/** Describes a value as messages show it: short, with escapes for anything that cannot be printed, such as half of a surrogate pair. */
export function describeFound(value: unknown): string {
  try {
    return described(value);
  } catch {
    // A proxy or a getter may throw when touched.
    return 'an object';
  }
}

function described(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'string') return describeText(value);
  // JSON would show NaN and the infinities as null.
  if (typeof value === 'number') return String(value);
  if (typeof value === 'function') return describeFunction(value);
  if (value instanceof Promise) return 'a promise';
  const json = jsonOf(value);
  return json.length > lengthMax ? `${cut(json)}…` : json;
}

/** Describes the kind of a value, for messages that must not show the value itself. */
export function describeKind(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (typeof value === 'string') return value === '' ? 'an empty text' : 'a text';
  if (typeof value === 'function') return describeFunction(value);
  if (Array.isArray(value)) return 'an array';
  if (typeof value !== 'object') return `a ${typeof value}`;
  return isPlain(value) ? 'an object' : describeNotJson(value);
}

const kindsOfFunctions: Readonly<Record<string, string>> = {
  '[object AsyncFunction]': 'an async function',
  '[object GeneratorFunction]': 'a generator function',
  '[object AsyncGeneratorFunction]': 'an async generator function',
};

/** Describes a function by how it is called. An async function or generator rewritten by a compiler looks like any other. */
export function describeFunction(value: object): string {
  // A method may be named `class`, too.
  if (/^class\b(?!\s*\()/.test(Function.prototype.toString.call(value))) return 'a class';
  return kindsOfFunctions[Object.prototype.toString.call(value)] ?? 'a function';
}

function describeText(text: string): string {
  return text.length > lengthMax ? `${JSON.stringify(cut(text))}…` : JSON.stringify(text);
}

/** Returns the beginning of a text, never ending in half of a surrogate pair. */
function cut(text: string): string {
  const end = text.codePointAt(lengthMax - 1) ?? 0;
  return text.slice(0, end > 0xffff ? lengthMax - 1 : lengthMax);
}

/** Some values have no JSON text, such as a circular one. The JSON of a class instance would hide what it is. */
function jsonOf(value: unknown): string {
  try {
    if (typeof value === 'object' && value !== null && !Array.isArray(value) && !isPlain(value)) return describeNotJson(value);
    return JSON.stringify(value) ?? `a ${typeof value}`;
  } catch {
    return 'an object';
  }
}

/**
 * Returns whether an object is plain, not an instance of a class. An object from another realm has that realm's prototype, the last in its
 * chain.
 */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Describes a value that JSON cannot hold. */
export function describeNotJson(value: unknown): string {
  if (value === undefined || typeof value === 'number') return String(value);
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`;
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
  return typeof name === 'string' && name !== '' ? `an instance of ${name}` : 'an instance of a class';
}
