import { basename, resolve } from 'node:path';

/** What a project depends on: npm refuses a package that depends on one of its own name. */
const dependencies: ReadonlySet<string> = new Set(['millrace', 'zod', 'typescript']);

/** Returns the name of a folder in the letters that npm and Docker allow in a name. */
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
