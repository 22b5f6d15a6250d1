import type { StandardJSONSchemaV1 } from '@standard-schema/spec';
import type { Schema } from './schema.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Returns the schema as JSON Schema, for its input or its output. Undefined if its library does not support Standard JSON Schema. */
export function jsonSchemaOf(schema: Schema, side: 'input' | 'output'): JsonSchema | undefined {
  if (!speaksJsonSchema(schema)) return undefined;
  // Anything zod cannot express (a transformation's output, say) counts as any value.
  const options = { target: 'draft-2020-12', libraryOptions: { unrepresentable: 'any' } };
  const { $schema: _, ...documented } = schema['~standard'].jsonSchema[side](options);
  return documented;
}

function speaksJsonSchema(schema: Schema): schema is Schema & StandardJSONSchemaV1 {
  return 'jsonSchema' in schema['~standard'];
}
