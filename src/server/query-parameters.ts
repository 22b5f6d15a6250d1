import { type Issue, MillraceError } from '../errors.ts';
import { nearestName } from '../pipeline/nearest-name.ts';

/** The `querystring` schema of a route without query parameters: each is refused. */
export const noQuery = { type: 'object', properties: {} } as const;

/** Maximum parameters named by one refusal, and maximum characters of each. */
const namesMax = 10;
const charactersMax = 60;

type Properties = Readonly<Record<string, { readonly type?: unknown }>>;

/**
 * Builds the check of a route's query from its declared `querystring`: an undeclared parameter is refused with the nearest name, and so is
 * a repeated one, unless it is declared as a list. The route itself checks the values (`parseRequest`).
 */
export function queryCheck(schema: unknown): (query: unknown) => true | { readonly error: MillraceError } {
  const properties = closedProperties(schema);
  if (properties === undefined) return () => true;
  const names = Object.keys(properties);
  return (query) => {
    const given = Object.entries(query ?? {});
    const issues = given.flatMap(([name, value]) => issueOf(name, value, properties, names)).slice(0, namesMax);
    if (issues.length === 0) return true;
    const summary = issues.map(({ path, message }) => `${path}: ${message}`).join('; ');
    return { error: new MillraceError('MILL_INVALID_REQUEST', `query: ${summary}`, { issues }) };
  };
}

/** Returns the parameters that a schema declares; undefined if it allows others, or says nothing about them. */
function closedProperties(schema: unknown): Properties | undefined {
  if (typeof schema !== 'object' || schema === null || !('properties' in schema)) return undefined;
  if ('additionalProperties' in schema && schema.additionalProperties !== false) return undefined;
  return schema.properties as Properties;
}

function issueOf(name: string, value: unknown, properties: Properties, names: readonly string[]): readonly Issue[] {
  const path = name.length > charactersMax ? `${name.slice(0, charactersMax).toWellFormed()}…` : name;
  if (!Object.hasOwn(properties, name)) return [{ path, message: `no such parameter; ${advice(name, names)}` }];
  const type = properties[name]?.type;
  if (!Array.isArray(value) || type === undefined || type === 'array') return [];
  return [{ path, message: `found ${value.length} times; expected once` }];
}

function advice(name: string, names: readonly string[]): string {
  if (names.length === 0) return 'this route takes none';
  const nearest = nearestName(name, names);
  return nearest === undefined ? `this route takes ${names.join(', ')}` : `did you mean ${nearest}?`;
}
