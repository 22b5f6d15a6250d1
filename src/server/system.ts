import { type Environment, readSettings, type Settings } from '../configuration/setting.ts';
import { checkConfigurable, checkParts, checkSystem } from './check-system.ts';
import type { ConfigurableSystem, System } from './declared-system.ts';

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
