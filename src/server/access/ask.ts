import type { FastifyContextConfig, FastifyRequest } from 'fastify';
import { type Access, permits } from './role.ts';
import type { Token } from './token.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * The role that a route requires, if tokens are used: by default `read` for methods that change nothing, `operate` for others, and
     * `ingest` for those of `ingestRoute`. `open`: no token is required.
     */
    access?: Access;
    /**
     * The pipelines that a route concerns: by default those of its system, or all if it has none. A token for other pipelines is
     * refused. `[]`: a route that concerns none, or checks for itself which ones the token covers.
     */
    pipelines?: readonly string[] | 'all';
  }
}

/** The requirements of a route for its callers. */
export interface Ask {
  readonly access: Access;
  /** Undefined: all pipelines. */
  readonly pipelines: readonly string[] | undefined;
}

/** Methods that change nothing. */
export const safeMethods: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Returns the role that a route requires. */
export function accessOf(config: { readonly access?: Access } | undefined, method: string): Access {
  return config?.access ?? (safeMethods.has(method) ? 'read' : 'operate');
}

/** Returns the requirements of a request's route. An unknown path is revealed only to holders of a token. */
export function askOf(request: FastifyRequest): Ask | 'any token' {
  if (request.is404) return 'any token';
  const { config } = request.routeOptions;
  return { access: accessOf(config, request.method), pipelines: pipelinesOf(config, request.params) };
}

/** Returns the pipelines that a route concerns, undefined for all: those it declares, or the one in its path. */
export function pipelinesOf({ pipelines }: FastifyContextConfig, params?: unknown): Ask['pipelines'] {
  return pipelines === 'all' ? undefined : (pipelines ?? pipelineInPath(params));
}

/** Returns whether a token satisfies the requirements. */
export function isGoodFor({ role, pipelines }: Token, ask: Ask): boolean {
  if (!permits(role, ask.access)) return false;
  return pipelines === undefined || (ask.pipelines?.every((name) => pipelines.has(name)) ?? false);
}

function pipelineInPath(params: unknown): readonly string[] | undefined {
  if (typeof params !== 'object' || params === null || !('pipeline' in params)) return undefined;
  return typeof params.pipeline === 'string' ? [params.pipeline] : undefined;
}
