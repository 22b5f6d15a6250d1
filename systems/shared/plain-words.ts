import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import type * as z from 'zod';

type Issue = z.core.$ZodRawIssue;

/** Returns the schema with its faults in plain words: `expected a text, found nothing` in place of `expected string, received undefined`. */
export function inPlainWords<S extends z.ZodType>(
  schema: S,
): StandardSchemaV1<z.input<S>, z.output<S>> & StandardJSONSchemaV1<z.input<S>, z.output<S>> {
  const { jsonSchema } = schema['~standard'];
  return { '~standard': { version: 1, vendor: 'millrace', validate: (value) => validateInPlainWords(schema, value), jsonSchema } };
}

/** Validates a value like the schema itself, with its faults in plain words. */
export function validateInPlainWords<S extends z.ZodType>(schema: S, value: unknown): StandardSchemaV1.Result<z.output<S>> {
  const result = schema.safeParse(value, { error: plainWords });
  return result.success ? { value: result.data } : { issues: result.error.issues };
}

/** Undefined for a kind of fault that the schemas of the systems do not have, or have their own words for. */
function plainWords(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${kinds[issue.expected] ?? issue.expected}, found ${kindOf(issue.input)}`;
    case 'invalid_value':
      return `expected ${issue.values.map(String).join(' or ')}, found ${named(issue.input)}`;
    case 'unrecognized_keys':
      return `expected no other fields, found ${issue.keys.map((key) => JSON.stringify(key)).join(', ')}`;
    case 'too_small':
      return `expected ${issue.inclusive === false ? 'more than' : 'at least'} ${counted(issue.minimum, issue.origin)}, found ${size(issue.input)}`;
    case 'too_big':
      return `expected at most ${counted(issue.maximum, issue.origin)}, found ${size(issue.input)}`;
    default:
      return undefined;
  }
}

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'an integer',
  object: 'an object',
  record: 'an object',
  array: 'an array',
};

/** The units in which a length is counted. */
const units: Readonly<Record<string, string>> = { string: 'character', array: 'item' };

function counted(limit: number | bigint, origin: string): string {
  const unit = units[origin];
  if (unit === undefined) return String(limit);
  return `${limit} ${unit}${Number(limit) === 1 ? '' : 's'}`;
}

/** The length of a text or an array, or the number itself. */
function size(value: unknown): string {
  const found = typeof value === 'string' || Array.isArray(value) ? value.length : Number(value);
  return found === 0 && typeof value !== 'number' ? 'none' : String(found);
}

/** A short text where a name was expected; the kind of any other value. */
function named(value: unknown): string {
  return typeof value === 'string' && value.length <= 50 ? JSON.stringify(value) : kindOf(value);
}

/** The kind of a value, or a number itself: texts may be confidential. */
function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return 'a text';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
