import { isAbsolute, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Returns a file's path or URL as people would type it: `./pipelines/visits.ts` below the current folder, otherwise in full. */
export function shownPath(pathOrUrl: string): string {
  const path = pathOrUrl.startsWith('file:') ? fileURLToPath(pathOrUrl) : pathOrUrl;
  if (!isAbsolute(path)) return path;
  const below = relative('.', path);
  return below.startsWith('..') || isAbsolute(below) ? path : `.${sep}${below}`;
}
