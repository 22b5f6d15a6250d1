import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import * as z from 'zod';

/** The version from the package's own package.json, wherever in the package this file runs. */
export const { version } = manifest();

/** Returns the version range in which the package depends on another package. */
export function rangeOf(name: string): string {
  const range = manifest().dependencies[name];
  if (range === undefined) throw new Error(`expected ${name} among the dependencies`);
  return range;
}

function manifest() {
  const path = findPackageJSON(import.meta.url);
  if (path === undefined) throw new Error('expected a package.json above it');
  return z.object({ version: z.string(), dependencies: z.record(z.string(), z.string()) }).parse(JSON.parse(readFileSync(path, 'utf8')));
}
