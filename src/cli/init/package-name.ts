import { basename, resolve } from 'node:path';

/** The dependencies of a project: npm refuses a package that depends on one with its own name. */
const dependencies: ReadonlySet<string> = new Set(['millrace', 'zod', 'typescript']);

/** Converts a folder name to the characters that npm and Docker allow in names. */
export function packageName(folder: string): string {
  const name = basename(resolve(folder))
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/-{2,}/g, '-')
    .replace(/^-|-$/g, '');
  return dependencies.has(name) ? `my-${name}` : name || 'my-millrace';
}
