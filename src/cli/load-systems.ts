import { existsSync } from 'node:fs';
import { basename, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describeFound } from '../describe-found.ts';
import { MillraceError } from '../errors.ts';
import { exportedValues, isObject } from '../modules/exported.ts';
import { importModule } from '../modules/import-module.ts';
import { isFolder, nearest } from '../modules/missing-import.ts';
import { shownPath } from '../modules/shown-path.ts';
import { isPipeline } from '../pipeline/is-pipeline.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import { isThenable } from '../pipeline/thenable.ts';
import type { System } from '../server/declared-system.ts';
import type { DeclaredSystem } from './shipped.ts';
import { UsageError } from './usage-error.ts';

/**
 * Returns the systems to serve: the named built-in ones, and those exported by the user's modules; without names, every built-in system.
 * Throws `UsageError` for an unknown name and `MILL_INVALID_CONFIGURATION` for a module that does not load or exports no pipeline.
 */
export async function loadSystems(names: readonly string[], ownSystems: readonly DeclaredSystem[]): Promise<readonly DeclaredSystem[]> {
  if (names.length === 0) return ownSystems;
  const systems = new Map<DeclaredSystem, string>();
  for (const name of new Set(names)) {
    for (const system of isPath(name) ? await loadModule(name) : [ownSystem(name, ownSystems)]) systems.set(system, name);
  }
  checkNamesDiffer(systems);
  return [...systems.keys()];
}

/** Throws `MILL_INVALID_CONFIGURATION` saying where both pipelines come from. */
function checkNamesDiffer(systems: ReadonlyMap<DeclaredSystem, string>): void {
  const known = new Map<string, string>();
  for (const [system, from] of systems) {
    for (const { name } of pipelinesOf(system)) {
      const other = known.get(name);
      if (other !== undefined) throw alike(name, other, from);
      known.set(name, from);
    }
  }
}

/** Returns none for a system with settings, which makes its pipelines once they are read. */
function pipelinesOf(system: DeclaredSystem): readonly AnyPipeline[] {
  return 'pipelines' in system ? system.pipelines : [];
}

function alike(name: string, one: string, other: string): MillraceError {
  const found = one === other ? `found ${name} twice` : `found ${name} in ${one} too`;
  return unusable(other, `expected pipelines with different names, ${found}`);
}

const isModule = /\.[cm]?[jt]s$/;

/** Distinguishes the path of a module from the name of a system. */
export function isPath(name: string): boolean {
  return /[/\\]|\.(?:[cm]?[jt]sx?|json)$/.test(name);
}

function ownSystem(name: string, ownSystems: readonly DeclaredSystem[]): DeclaredSystem {
  const system = ownSystems.find((candidate) => candidate.name === name);
  if (system !== undefined) return system;
  const there = ownSystems.map((candidate) => candidate.name).join(', ');
  const own = nearest(resolve(name));
  const path = own === undefined ? 'a path such as ./my-pipelines.ts' : `the path ${shownPath(own)}`;
  throw new UsageError(`unknown system ${JSON.stringify(name)}; expected ${there}, or ${path} for your own`);
}

async function loadModule(path: string): Promise<readonly DeclaredSystem[]> {
  checkIsFile(path);
  const tellSlow = (message: string) => process.stderr.write(`millrace: ${message}\n`);
  const exported = exportedValues(await importModule(pathToFileURL(resolve(path)).href, path, tellSlow));
  const systems = exported.filter(isSystem);
  const ofSystems = systems.flatMap(pipelinesOf);
  const pipelines = exported.filter(isPipeline).filter((pipeline) => !ofSystems.includes(pipeline));
  if (systems.length === 0 && pipelines.length === 0) {
    throw unusable(path, `exports no pipeline; expected at least one, made by pipeline(…), found ${describeExports(exported)}`);
  }
  return pipelines.length === 0 ? systems : [...systems, systemOf(path, pipelines)];
}

function checkIsFile(path: string): void {
  const there = nearest(resolve(path));
  const hint = there === undefined ? '' : `; did you mean ${shownPath(there)}?`;
  if (isFolder(path)) throw unusable(path, `is a folder; expected one of your modules${hint}`);
  if (!existsSync(path)) throw unusable(path, `no such file${hint}`);
  if (!isModule.test(path)) throw unusable(path, 'expected a module with a name ending in .ts, .mts, .cts, .js, .mjs or .cjs');
}

function describeExports(values: readonly unknown[]): string {
  if (values.length === 0) return 'nothing exported';
  return values.map((value) => describeExport(value)).join(', ');
}

function describeExport(value: unknown): string {
  if (typeof value === 'function') return 'a function: export its result';
  if (isThenable(value)) return 'a promise: await it, and export the result';
  return describeFound(value);
}

/** Wraps a user's bare pipelines in a system: they get the routes that every pipeline has. */
function systemOf(path: string, pipelines: readonly AnyPipeline[]): System {
  const name = basename(path, extname(path));
  return { name, title: name, description: `The pipelines of ${basename(path)}`, pipelines };
}

function isSystem(value: unknown): value is DeclaredSystem {
  if (!isObject(value) || typeof value.name !== 'string') return false;
  if (isObject(value.settings)) return typeof value.build === 'function';
  return Array.isArray(value.pipelines) && value.pipelines.every(isPipeline);
}

function unusable(path: string, problem: string): MillraceError {
  return new MillraceError('MILL_INVALID_CONFIGURATION', `${path}: ${problem}`);
}
