import { describeFound } from '../describe-found.ts';
import { MillraceError } from '../errors.ts';
import { invalid } from '../pipeline/check.ts';
import { checkSchema } from '../pipeline/expectations.ts';
import { summaryOf } from '../pipeline/issues.ts';
import { type JsonSchema, jsonSchemaOf as standardJsonSchemaOf } from '../pipeline/json-schema.ts';
import { type OutputOf, type Schema, validate } from '../pipeline/schema.ts';

/**
 * Parses a part of a request (query, parameters, body) with the schema. Throws `MILL_INVALID_REQUEST` with its issues.
 *
 * ```ts
 * const { sort, limit } = await parseRequest(RocketQuery, request.query);
 * ```
 */
export async function parseRequest<S extends Schema>(schema: S, part: unknown): Promise<OutputOf<S>> {
  checkSchema('parseRequest', schema);
  const result = await validate(schema, part);
  if (result.ok) return result.value;
  const { issues, issueCount } = result;
  throw new MillraceError('MILL_INVALID_REQUEST', summaryOf(result), { issues, issueCount });
}

/**
 * Returns the schema as JSON Schema for the API docs, for its input or its output. Works with any library that implements Standard JSON
 * Schema; for others the docs only say that there is a value.
 */
export function jsonSchemaOf(schema: Schema, side: 'input' | 'output' = 'input'): JsonSchema {
  checkSchema('jsonSchemaOf', schema);
  if (side !== 'input' && side !== 'output') invalid(`jsonSchemaOf: expected input or output, found ${describeFound(side)}`);
  return standardJsonSchemaOf(schema, side) ?? {};
}
