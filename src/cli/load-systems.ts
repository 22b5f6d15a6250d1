import { existsSync } from 'node:fs';
import { basename, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { systems as ownSystems } from '../../systems/index.ts';
import { MillraceError, messageOf } from '../errors.ts';
import { isPipeline } from '../pipeline/is-pipeline.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { ConfigurableSystem, System } from '../server/system.ts';
import { UsageError } from './usage-error.ts';

type DeclaredSystem = System | ConfigurableSystem;

/**
 * What is to be served: the named systems, and those that modules of the user export; without names every system of
 * ours. Throws `UsageError` for an unknown name and `MILL_INVALID_CONFIGURATION` for a module that does not load or
 * exports no pipeline.
 */
export async function loadSystems(names: readonly string[]): Promise<readonly DeclaredSystem[]> {
  if (names.length === 0) return ownSystems;
  const systems: DeclaredSystem[] = [];
  for (const name of new Set(names)) systems.push(...(isPath(name) ? await loadModule(name) : [ownSystem(name)]));
  return [...new Set(systems)];
}

function isPath(name: string): boolean {
  return /[/\\]|\.[cm]?[jt]s$/.test(name);
}

function ownSystem(name: string): DeclaredSystem {
  const system = ownSystems.find((candidate) => candidate.name === name);
  if (system !== undefined) return system;
  const there = ownSystems.map((candidate) => candidate.name).join(', ');
  throw new UsageError(
    `there is no system ${JSON.stringify(name)}; there is ${there}, and a path such as ./my-pipelines.ts serves your own`,
  );
}

async function loadModule(path: string): Promise<readonly DeclaredSystem[]> {
  if (!existsSync(path)) throw unusable(path, 'there is no such file');
  let module: object;
  try {
    module = await import(pathToFileURL(resolve(path)).href);
  } catch (error) {
    throw unusable(path, `cannot be loaded: ${messageOf(error)}${placeOf(error)}`, error);
  }
  const exported = new Set(Object.values(module).flat());
  const systems = [...exported].filter(isSystem);
  const pipelines = [...exported].filter(isPipeline);
  if (systems.length === 0 && pipelines.length === 0)
    throw unusable(path, 'exports no pipeline; expected at least one, made by pipeline(…)');
  return pipelines.length === 0 ? systems : [...systems, systemOf(path, pipelines)];
}

/** A user's bare pipelines as a system: they get the routes that every pipeline has. */
function systemOf(path: string, pipelines: readonly AnyPipeline[]): System {
  const name = basename(path, extname(path));
  return { name, title: name, description: `The pipelines of ${basename(path)}`, pipelines };
}

function isSystem(value: unknown): value is DeclaredSystem {
  if (!isObject(value) || typeof value.name !== 'string') return false;
  if (isObject(value.settings)) return typeof value.build === 'function';
  return Array.isArray(value.pipelines) && value.pipelines.every(isPipeline);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Where a syntax error stands: only its stack says so, in the first line. */
function placeOf(error: unknown): string {
  const place = error instanceof SyntaxError ? /^.+:\d+\n/.exec(error.stack ?? '')?.[0].trim() : undefined;
  return place === undefined ? '' : ` (${place})`;
}

function unusable(path: string, problem: string, cause?: unknown): MillraceError {
  return new MillraceError('MILL_INVALID_CONFIGURATION', `${path}: ${problem}`, { cause });
}
