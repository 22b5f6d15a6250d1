import { hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, extname, join } from 'node:path';

/** A file of the built page, in memory. */
export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
  /** The Brotli version, if the build has compressed it. */
  readonly compressed: Buffer | undefined;
  readonly etag: string;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Reads the built page, by file name; undefined if it is not built, as in a checkout without `npm run page`. */
export async function readPage(): Promise<ReadonlyMap<string, PageFile> | undefined> {
  const manifest = findPackageJSON(import.meta.url);
  if (manifest === undefined) return undefined;
  const folder = join(dirname(manifest), 'page', 'dist');
  const names = await namesIn(folder);
  if (!names.includes('index.html')) return undefined;
  const shown = names.filter((name) => extname(name) in types);
  const files = shown.map(async (name): Promise<readonly [string, PageFile]> => {
    const body = await readFile(join(folder, name));
    const compressed = names.includes(`${name}.br`) ? await readFile(join(folder, `${name}.br`)) : undefined;
    const etag = `"${hash('sha256', body, 'base64url').slice(0, 22)}"`;
    return [name, { type: types[extname(name)] ?? '', body, compressed, etag }];
  });
  return new Map(await Promise.all(files));
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
