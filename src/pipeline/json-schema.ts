import type { StandardJSONSchemaV1 } from '@standard-schema/spec';
import type { Schema } from './schema.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** The schema as JSON Schema: of what goes in, or of what comes out. Undefined for one of a library that does not speak Standard JSON Schema. */
export function jsonSchemaOf(schema: Schema, side: 'input' | 'output'): JsonSchema | undefined {
  if (!speaksJsonSchema(schema)) return undefined;
  // What zod cannot express (a transformation's output, say) counts as any value.
  const options = { target: 'draft-2020-12', libraryOptions: { unrepresentable: 'any' } };
  const { $schema: _, ...documented } = schema['~standard'].jsonSchema[side](options);
  return documented;
}

function speaksJsonSchema(schema: Schema): schema is Schema & StandardJSONSchemaV1 {
  return 'jsonSchema' in schema['~standard'];
}
