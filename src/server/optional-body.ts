/** Marks a schema whose body is optional. */
const mark = 'x-optional';

/** Returns the schema of an optional body, to declare in a route. */
export function optionalBody(schema: object): object {
  return { ...schema, [mark]: true };
}

/** Returns whether a body with this schema is optional. */
export function isOptionalBody(schema: unknown): boolean {
  return typeof schema === 'object' && schema !== null && mark in schema;
}
