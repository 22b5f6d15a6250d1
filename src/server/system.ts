import { type Environment, readSettings, type Settings } from '../configuration/setting.ts';
import { checkConfigurable, checkParts, checkSystem } from './check-system.ts';
import type { ConfigurableSystem, System } from './declared-system.ts';

/**
 * Declares a system: its pipelines and routes or, if it has its own settings, how these are built from them.
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
 * Throws `MILL_INVALID_DECLARATION`, naming the option, the expected value and the one found.
 */
export function system<const S extends Settings>(declaration: ConfigurableSystem<S>): ConfigurableSystem<S>;
export function system(declaration: System): System;
export function system<Declared extends System | ConfigurableSystem>(declaration: Declared): Declared {
  checkDeclared(declaration);
  return declaration;
}

/**
 * Returns the system with its settings from the environment; a plain one unchanged. Throws `MILL_INVALID_CONFIGURATION`, naming the
 * variable, its value and the accepted values, and `MILL_INVALID_DECLARATION` for an invalid system.
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
