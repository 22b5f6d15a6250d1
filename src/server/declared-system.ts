/// <reference types="@fastify/swagger" preserve="true" />
// It gives the schema of a route its `summary`, `tags` and more. The reference stays in our declarations, so users get them too.

import type { FastifyInstance } from 'fastify';
import type { ConfigurationOf, Settings } from '../configuration/setting.ts';
import type { Mill } from '../engine/mill.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';

/** A unit that a server serves: pipelines that belong together, with their own routes. */
export interface System extends SystemFace, SystemParts {}

/** The parts of a system known before it is configured. */
interface SystemFace {
  /** Lower case, as in `millrace serve rockets`; also the tag of its routes in the docs. */
  readonly name: string;
  readonly title: string;
  /** One or two sentences for the docs and the operator's page. */
  readonly description: string;
  /** Its port when it is served alone and no port is requested. */
  readonly port?: number;
}

/** The parts of a system. */
export interface SystemParts {
  readonly pipelines: readonly AnyPipeline[];
  /**
   * Adds the system's routes, in their own scope. A route that declares `schema.body` refuses requests without one, and one that declares
   * `schema.querystring` refuses undeclared parameters (`noQuery`: any). Otherwise schemas are documentation (see `jsonSchemaOf`), and
   * checks are up to the route (see `parseRequest`). `MillraceError`s thrown by a route become problem details. The engine is the one that
   * serves the system, so routes may declare that it has their pipelines: `routes(app, mill: Mill<{ orders: typeof orders }>)`.
   */
  routes?(app: FastifyInstance, mill: Mill): void | Promise<void>;
}

/** A system that is built once its settings are known. */
export interface ConfigurableSystem<S extends Settings = Settings> extends SystemFace {
  readonly settings: S;
  build(configuration: ConfigurationOf<S>): SystemParts;
}
