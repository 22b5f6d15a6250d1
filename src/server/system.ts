import type { FastifyInstance } from 'fastify';
import type { Mill } from '../engine/mill.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';

/** What a server serves: pipelines that belong together, with routes of their own. */
export interface System {
  /** Lower case, as in `millrace serve rockets`; also the tag of its routes in the docs. */
  readonly name: string;
  readonly title: string;
  /** One or two sentences for the docs and the home page. */
  readonly description: string;
  readonly pipelines: readonly AnyPipeline[];
  /** Where it listens when it is served alone and no port is asked for. */
  readonly port?: number;
  /**
   * Adds the system's routes, in a scope of their own. A route that declares `schema.body` is refused without one; other
   * than that schemas are documentation (see `jsonSchemaOf`), and checking is the route's own (see `parseRequest`).
   * `MillraceError`s that a route throws become problem details.
   */
  routes?(app: FastifyInstance, mill: Mill): void | Promise<void>;
}
