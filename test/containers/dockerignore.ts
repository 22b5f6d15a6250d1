import { matchesGlob } from 'node:path';

/** Reads a `.dockerignore`. Returns a function that tells whether a path is excluded: the last line that names the path, or a folder above it, decides. */
export function leftOutBy(text: string): (path: string) => boolean {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return (path) => {
    const names = path.split('/');
    const withFolders = names.map((_, at) => names.slice(0, at + 1).join('/'));
    const last = lines.findLast((line) => withFolders.some((one) => matchesGlob(one, line.replace('!', ''))));
    return last !== undefined && !last.startsWith('!');
  };
}
