import type { FastifyInstance, FastifyRequest } from 'fastify';
import { pathOf } from './path-of.ts';

/**
 * The paths that an app declares without parameters, each with its methods. Such a path is matched before those with parameters, as in
 * OpenAPI, whatever the method: beside `GET /events/:id` and `POST /events/batch`, `batch` is no id, and `GET /events/batch` is a wrong
 * method. A route with a wildcard, such as `GET /*` or `OPTIONS *`, is declared for whatever no other route serves, and serves it.
 */
export class LiteralPaths {
  readonly #methods = new Map<string, string[]>();

  /** Sees the routes that are registered after this. */
  constructor(app: FastifyInstance) {
    app.addHook('onRoute', ({ url, method, constraints = {} }) => {
      // A constraint, for example on the host, leaves the path's other requests to other routes.
      if (hasParameters(url) || Object.keys(constraints).length > 0) return;
      const path = withoutSlash(url);
      const methods = this.#methods.get(path) ?? [];
      this.#methods.set(path, [...new Set([...methods, method].flat())].sort());
    });
  }

  /** Returns whether a route with parameters, and no wildcard, matched a path that is declared without any, and not with this method. */
  isWrongMethod({ method, url, routeOptions }: Pick<FastifyRequest, 'method' | 'url' | 'routeOptions'>): boolean {
    if (routeOptions.url?.includes(':') !== true || routeOptions.url.includes('*')) return false;
    return this.methodsOf(pathOf(url))?.includes(method) === false;
  }

  /** Returns the methods of a path declared without parameters; undefined if it is not. */
  methodsOf(path: string): readonly string[] | undefined {
    return this.#methods.get(withoutSlash(path));
  }
}

function hasParameters(url: string): boolean {
  return url.includes(':') || url.includes('*');
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
