/// <reference types="@fastify/swagger" preserve="true" />
// It gives the schema of a route its `summary`, `tags` and more. The reference stays in our declarations, so users get them, too.

import type { FastifyInstance } from 'fastify';
import { type ConfigurationOf, type Environment, readSettings, type Settings } from '../configuration/setting.ts';
import type { Mill } from '../engine/mill.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import { checkConfigurable, checkParts, checkSystem } from './check-system.ts';

/** What a server serves: pipelines that belong together, with routes of their own. */
export interface System extends SystemFace, SystemParts {}

/** What is known of a system before it is configured. */
interface SystemFace {
  /** Lower case, as in `millrace serve rockets`; also the tag of its routes in the docs. */
  readonly name: string;
  readonly title: string;
  /** One or two sentences for the docs and the home page. */
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

/**
 * Declares a system: its pipelines and routes, or, where it has settings of its own, how they are built from these.
 *
 * ```ts
 * export default system({
 *   name: 'mail',
 *   title: 'Mail',
 *   description: 'Sends mail.',
 *   settings: {
 *     workers: { variable: 'MAIL_WORKERS', meaning: 'mails sent at once', values: integerBetween(1, 100), otherwise: '10' },
 *   },
 *   build: ({ workers }) => ({ pipelines: [mailPipeline(workers)] }),
 * });
 * ```
 *
 * Throws `MILL_INVALID_DECLARATION` that names the option, what it expects and what it found.
 */
export function system<const S extends Settings>(declaration: ConfigurableSystem<S>): ConfigurableSystem<S>;
export function system(declaration: System): System;
export function system<Declared extends System | ConfigurableSystem>(declaration: Declared): Declared {
  checkDeclared(declaration);
  return declaration;
}

/**
 * The system with the settings that the environment has for it; a plain one as it is. Throws
 * `MILL_INVALID_CONFIGURATION` that names the variable, its value, and what is accepted, and `MILL_INVALID_DECLARATION` for a system
 * that is none.
 */
export function configure(declared: System | ConfigurableSystem, environment: Environment): System {
  checkDeclared(declared);
  if (!isConfigurable(declared)) return declared;
  const { settings, build: _, ...face } = declared;
  const parts = declared.build(readSettings(settings, environment));
  checkParts(declared, parts);
  return { ...face, ...parts };
}

function checkDeclared(declared: unknown): void {
  if (isConfigurable(declared)) checkConfigurable(declared);
  else checkSystem(declared);
}

function isConfigurable(declared: unknown): declared is ConfigurableSystem {
  return typeof declared === 'object' && declared !== null && ('settings' in declared || 'build' in declared);
}
