/**
 * Returns a module's exports, each value once, including the members of exported lists and of a plain default-export object:
 * `module.exports = { visits, orders }` has no other names.
 */
export function exportedValues(module: object): readonly unknown[] {
  const values = Object.entries(module).flatMap(([name, value]) => (isBundle(name, value) ? Object.values(value) : [value]));
  return [...new Set(values.flat())];
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Pipelines and systems have a name, and a class instance is no bundle. */
function isBundle(name: string, value: unknown): value is object {
  if ((name !== 'default' && name !== 'module.exports') || !isObject(value) || typeof value.name === 'string') return false;
  return Object.getPrototypeOf(value) === Object.prototype;
}
