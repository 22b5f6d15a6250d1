import { describeNotJson, isPlain } from '../describe-found.ts';
import { NotJson } from './json.ts';

/**
 * Copies a value that may be more than JSON, by the structured clone algorithm: the schema that will see it may take a `Date` or a `Map`.
 * Throws {@link NotJson} for a class instance that would come out as a plain object, and whatever `structuredClone` throws for values it
 * cannot copy.
 */
export function cloneWhole(value: unknown): unknown {
  const clone: unknown = structuredClone(value);
  checkClasses(value, clone, new Set());
  return clone;
}

function checkClasses(value: unknown, clone: unknown, seen: Set<unknown>): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (!isPlain(value) && Object.getPrototypeOf(value) !== Object.getPrototypeOf(clone)) throw new NotJson(describeNotJson(value));
  const copies = partsOf(clone as object);
  for (const [at, part] of partsOf(value).entries()) checkClasses(part, copies[at], seen);
}

function partsOf(value: object): readonly unknown[] {
  if (value instanceof Map) return Array.from(value).flat();
  if (value instanceof Set) return Array.from(value);
  // Bytes have no parts worth checking.
  return ArrayBuffer.isView(value) ? [] : Object.values(value);
}
