import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nearestName } from '../pipeline/nearest-name.ts';
import { faces } from '../provide-millrace.ts';
import { shownPath } from './shown-path.ts';

/** Describes an import of a missing module: which module imports it, and what exists instead. Undefined for any other error. */
export function describeMissing(error: Error, code: unknown): string | undefined {
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'ERR_UNSUPPORTED_DIR_IMPORT') return missingImport(error);
  return code === 'MODULE_NOT_FOUND' ? missingRequire(error) : undefined;
}

/** `import`: the message names the importing module, and `url` the file; without it a package is missing. */
function missingImport(error: Error): string | undefined {
  const importer = /imported from (.+)$/m.exec(error.message)?.[1];
  if (importer === undefined) return undefined;
  if ('url' in error && typeof error.url === 'string') return missingFile(fileURLToPath(error.url), importer);
  const name = /^Cannot find package '([^']+)'/.exec(error.message)?.[1];
  return name === undefined ? undefined : missingPackage(name, importer);
}

/** `require`: the message names the requested module, and `requireStack` the module that asked for it. */
function missingRequire(error: Error): string | undefined {
  const asked = /^Cannot find module '([^']+)'/.exec(error.message)?.[1];
  const importer: unknown = 'requireStack' in error && Array.isArray(error.requireStack) ? error.requireStack[0] : undefined;
  if (asked === undefined || typeof importer !== 'string') return undefined;
  if (/^\.{0,2}[/\\]|^\.{1,2}$/.test(asked)) return missingFile(resolve(dirname(importer), asked), importer);
  return missingPackage(asked.split('/', asked.startsWith('@') ? 2 : 1).join('/'), importer);
}

const ownCode = fileURLToPath(new URL('..', import.meta.url));

function missingFile(path: string, importer: string): string {
  // The missing file is the module itself, which a thread imports by its URL.
  if (importer.startsWith(ownCode)) return 'no such file';
  const importing = importer.startsWith('file:') ? fileURLToPath(importer) : importer;
  const from = dirname(importing);
  const there = nearest(path, importing);
  const hint = there === undefined ? '' : `; did you mean '${specifier(from, there)}'?`;
  const what = isFolder(path) ? `Cannot import the folder '${specifier(from, path)}'` : `Cannot find module '${specifier(from, path)}'`;
  return `${what}, which ${shownPath(importer)} imports${hint}`;
}

/** `'millrace', 'millrace/server' and 'millrace/testing'` */
const allFaces = new Intl.ListFormat('en-GB').format(faces.map((face) => `'${face}'`));

function missingPackage(name: string, importer: string): string {
  const by = shownPath(importer);
  if (name === 'millrace') return `${by} imports a part of millrace that does not exist; there are ${allFaces}`;
  return `Cannot find package '${name}', which ${by} imports; run npm install ${name}`;
}

function specifier(from: string, path: string): string {
  const written = relative(from, path).replaceAll('\\', '/');
  return written.startsWith('.') ? written : `./${written}`;
}

const extensions = /\.[cm]?[jt]s$/;

/**
 * Returns the path that was probably meant: the same with another extension, with one added, in another case, or with a typo fixed; or the
 * index of a folder. Never returns `importer`, which asks for it.
 */
export function nearest(path: string, importer?: string): string | undefined {
  if (isFolder(path)) {
    const index = namesIn(path).find((name) => /^index\.[cm]?[jt]s$/.test(name));
    return index === undefined ? undefined : join(path, index);
  }
  const folder = dirname(path);
  // The path itself may be listed: a dangling link.
  const others = namesIn(folder).filter((name) => extensions.test(name) && ![path, importer].includes(join(folder, name)));
  const modules = new Map(others.map((name) => [name.replace(extensions, ''), name]));
  const found = modules.get(nearestName(basename(path).replace(extensions, ''), modules.keys()) ?? '');
  return found === undefined ? undefined : join(folder, found);
}

function namesIn(folder: string): readonly string[] {
  return isFolder(folder) ? readdirSync(folder) : [];
}

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
