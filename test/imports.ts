import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript-5.9';
import { checkout } from './program.ts';

/** An import written in a file, whether of a type alone or at run time. */
export interface Import {
  /** A path from the root of the checkout, like all paths here. */
  readonly file: string;
  /** The path of a file of ours, or another module's specifier. */
  readonly of: string;
}

/** Returns all imports of the TypeScript files that match. */
export function importsIn(pattern: string): readonly Import[] {
  const files = globSync(pattern, { cwd: checkout, exclude: (path) => path.includes('node_modules') }).toSorted();
  return files.flatMap((file) => importsOf(file, readFileSync(join(checkout, file), 'utf8')));
}

export function importsOf(file: string, text: string): readonly Import[] {
  const { importedFiles } = ts.preProcessFile(text, true, true);
  return importedFiles.map(({ fileName }) => ({
    file,
    of: fileName.startsWith('.') ? normalize(join(dirname(file), fileName)) : fileName,
  }));
}

/**
 * The imports allowed to a part of the sources, other than itself: paths of files, folders (`src/store/`: everything below it), and the
 * direct files of a folder (`src/store/*`).
 */
export interface Part {
  readonly files: readonly string[];
  readonly sees: readonly string[];
}

/** Returns whether a path is among those listed, in the notation of {@link Part}. */
export function isAmong(path: string, places: readonly string[]): boolean {
  return places.some((place) => {
    if (place.endsWith('/*')) return dirname(path) === place.slice(0, -2);
    return place.endsWith('/') ? path.startsWith(place) : path === place;
  });
}

/** Returns the forbidden imports. If several parts contain a file, the last one counts. */
export function strayImports(imports: readonly Import[], parts: readonly Part[]): readonly string[] {
  return imports.flatMap(({ file, of }) => {
    const part = parts.findLast(({ files }) => isAmong(file, files));
    if (part === undefined) return [`${file} belongs to no part`];
    return isAmong(of, part.files) || isAmong(of, part.sees) ? [] : [`${file} imports ${of}`];
  });
}
