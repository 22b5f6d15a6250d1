import { existsSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UsageError } from '../usage-error.ts';

/** Names that a folder newly created for a project may contain. */
const harmless: ReadonlySet<string> = new Set(['.git', '.DS_Store']);

/** Throws a `UsageError` for a path that is a file, or a folder with files in it. */
export function checkIsEmpty(folder: string): void {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isDirectory()) throw new UsageError(`${folder}: expected a folder, found a file`);
  const names = readdirSync(folder).filter((name) => !harmless.has(name));
  if (names.length === 0) return;
  const shown = names.slice(0, 3).join(', ');
  throw new UsageError(
    `${folder}: the folder is not empty (${shown}${names.length > 3 ? ', …' : ''}); choose another folder, or pass --force to add files to it`,
  );
}

/**
 * Writes the files, by path below the folder. Leaves existing files unchanged and returns their paths. Each file appears whole or
 * not at all, so running it again completes an interrupted project. Throws a `UsageError` if a file is in the place of a folder.
 */
export function writeProject(folder: string, files: Readonly<Record<string, string>>): readonly string[] {
  const kept: string[] = [];
  for (const [path, text] of Object.entries(files)) {
    const whole = join(folder, path);
    makeFolder(dirname(whole));
    if (existsSync(whole)) kept.push(path);
    else {
      writeFileSync(`${whole}.partial`, text);
      renameSync(`${whole}.partial`, whole);
    }
  }
  return kept;
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && ['EEXIST', 'ENOENT', 'ENOTDIR'].includes(String(error.code)))) throw error;
    throw new UsageError(`${folder}: expected a folder, found a file or a broken link in its path`);
  }
}
