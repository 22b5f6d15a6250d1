/** The path to a value inside a JSON value. */
export type Place = readonly (string | number)[];

/** Returns every place in a value, starting with itself. */
export function placesIn(value: unknown): Place[] {
  const children: readonly (readonly [string | number, unknown])[] = Array.isArray(value) ? [...value.entries()] : entriesOf(value);
  return [[], ...children.flatMap(([key, child]) => placesIn(child).map((rest) => [key, ...rest]))];
}

/** The value at a place. */
export function valueAt(value: unknown, place: Place): unknown {
  return place.reduce<unknown>((at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined), value);
}

/** Returns a copy with another value at a place; `undefined` leaves it out. */
export function withAt(value: unknown, [key, ...rest]: Place, replacement: unknown): unknown {
  if (key === undefined) return replacement;
  if (Array.isArray(value)) return value.map((item, at) => (at === key ? withAt(item, rest, replacement) : item));
  return Object.fromEntries(entriesOf(value).map(([name, child]) => [name, name === key ? withAt(child, rest, replacement) : child]));
}

const marker = '@here@';

/** Returns the JSON text with a piece of text at a place that no value would produce. */
export function textWithAt(value: unknown, place: Place, piece: string): string {
  return JSON.stringify(withAt(value, place, marker)).replace(`"${marker}"`, () => piece);
}

/** Returns the JSON text with an additional member, as text, in the object at a place. */
export function textWithMember(value: unknown, place: Place, member: string): string {
  const object = JSON.stringify(valueAt(value, place));
  return textWithAt(value, place, object === '{}' ? `{${member}}` : `{${member},${object.slice(1)}`);
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}
