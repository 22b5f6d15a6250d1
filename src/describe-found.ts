const lengthMax = 60;

/** Describes a value as messages show it: short, and with escapes for what cannot be shown, such as half of a surrogate pair. */
export function describeFound(value: unknown): string {
  try {
    return described(value);
  } catch {
    // A proxy or a getter may throw when it is asked.
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

/** Describes a function by the way it is called. An async function or generator that a compiler has rewritten looks like any other. */
export function describeFunction(value: object): string {
  // A method may be named `class`, too.
  if (/^class\b(?!\s*\()/.test(Function.prototype.toString.call(value))) return 'a class';
  return kindsOfFunctions[Object.prototype.toString.call(value)] ?? 'a function';
}

function describeText(text: string): string {
  return text.length > lengthMax ? `${JSON.stringify(cut(text))}…` : JSON.stringify(text);
}

/** The beginning of a text, without half of the pair that the cut goes through. */
function cut(text: string): string {
  const end = text.codePointAt(lengthMax - 1) ?? 0;
  return text.slice(0, end > 0xffff ? lengthMax - 1 : lengthMax);
}

/** Not everything has a JSON text: a circle has none. That of an instance of a class would hide what it is. */
function jsonOf(value: unknown): string {
  try {
    if (typeof value === 'object' && value !== null && !Array.isArray(value) && !isPlain(value)) return describeNotJson(value);
    return JSON.stringify(value) ?? `a ${typeof value}`;
  } catch {
    return 'an object';
  }
}

/** Returns whether an object is of no class. An object of another realm has a prototype of its own that is the last of its chain. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Describes a value that JSON does not hold. */
export function describeNotJson(value: unknown): string {
  if (value === undefined || typeof value === 'number') return String(value);
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`;
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
  return typeof name === 'string' && name !== '' ? `an instance of ${name}` : 'an object of a class';
}
