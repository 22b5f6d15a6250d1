/// <reference types="@fastify/swagger" preserve="true" />
// It gives the schema of a route its `summary`, `tags` and more. The reference stays in our declarations, so users get them, too.

import type { FastifyInstance } from 'fastify';
import type { ConfigurationOf, Settings } from '../configuration/setting.ts';
import type { Mill } from '../engine/mill.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';

/** What a server serves: pipelines that belong together, with routes of their own. */
export interface System extends SystemFace, SystemParts {}

/** What is known of a system before it is configured. */
interface SystemFace {
  /** Lower case, as in `millrace serve rockets`; also the tag of its routes in the docs. */
  readonly name: string;
  readonly title: string;
  /** One or two sentences for the docs and the operator's page. */
  readonly description: string;
  /** Where it listens when it is served alone and no port is asked for. */
  readonly port?: number;
}

/** What a system is made of. */
export interface SystemParts {
  readonly pipelines: readonly AnyPipeline[];
  /**
   * Adds the system's routes, in a scope of their own. A route that declares `schema.body` refuses requests without one, and one
   * that declares `schema.querystring` refuses parameters that are not in it (`noQuery`: any). Other than that schemas are
   * documentation (see `jsonSchemaOf`), and checking is the route's own (see `parseRequest`).
   * `MillraceError`s that a route throws become problem details. The engine is the one that serves the system, so routes may say that
   * it has their pipelines: `routes(app, mill: Mill<{ orders: typeof orders }>)`.
   */
  routes?(app: FastifyInstance, mill: Mill): void | Promise<void>;
}

/** A system that is made when its settings are known. */
export interface ConfigurableSystem<S extends Settings = Settings> extends SystemFace {
  readonly settings: S;
  build(configuration: ConfigurationOf<S>): SystemParts;
}
