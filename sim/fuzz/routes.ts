import * as z from 'zod';

/** A route of the OpenAPI document. */
export interface Route {
  /** `GET /rockets/{id}` */
  readonly name: string;
  readonly method: string;
  /** `/rockets/{id}` */
  readonly path: string;
  /** Names of the query parameters. */
  readonly query: readonly string[];
  readonly hasBody: boolean;
}

const Operation = z.object({
  parameters: z.array(z.object({ in: z.string(), name: z.string() })).default([]),
  requestBody: z.unknown().optional(),
});
const Document = z.object({ paths: z.record(z.string(), z.record(z.string(), Operation)) });

/** Routes with endless answers. */
const endless: ReadonlySet<string> = new Set(['GET /live']);

/**
 * Returns every route and method of an OpenAPI document with a finite answer. A route listed once per pipeline becomes one, with the
 * pipeline as a parameter.
 */
export function routesOf(document: unknown): Route[] {
  const paths = Object.entries(Document.parse(document).paths);
  const routes = new Map(paths.map(([path, operations]) => [path.replace(/^\/pipelines\/\w+/, '/pipelines/{pipeline}'), operations]));
  return Array.from(routes)
    .flatMap(([path, operations]) =>
      Object.entries(operations).map(([lowerMethod, { parameters, requestBody }]) => {
        const method = lowerMethod.toUpperCase();
        const query = parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
        return { name: `${method} ${path}`, method, path, query, hasBody: requestBody !== undefined };
      }),
    )
    .filter(({ name }) => !endless.has(name));
}

/** Pages that the document leaves out. */
export const undocumented: readonly Route[] = ['/', '/docs', '/docs/', '/docs/static/index.html', '/openapi.json', '/swagger/'].map(
  (path) => ({ name: `GET ${path}`, method: 'GET', path, query: [], hasBody: false }),
);
