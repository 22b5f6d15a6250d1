/** The mark of a schema whose body may be left out. */
const mark = 'x-optional';

/** Returns the schema of a body that may be left out, to declare in a route. */
export function optionalBody(schema: object): object {
  return { ...schema, [mark]: true };
}

/** Returns whether a body of this schema may be left out. */
export function isOptionalBody(schema: unknown): boolean {
  return typeof schema === 'object' && schema !== null && mark in schema;
}
