import { resolve } from 'node:path';
import { shownPath } from '../../modules/shown-path.ts';

interface Written {
  readonly folder: string;
  /** The paths of all files of the project. */
  readonly files: readonly string[];
  /** The files that existed before. */
  readonly kept: readonly string[];
  /** True if package.json belongs to another project. */
  readonly isBesideOther: boolean;
}

/** Returns the final message of `millrace init`: the files it wrote, and the next commands. */
export function summaryOf({ folder, files, kept, isBesideOther }: Written): string {
  const written = files.filter((file) => !kept.includes(file));
  const isHere = resolve(folder) === process.cwd();
  const where = isHere ? 'this folder' : shownPath(resolve(folder));
  const lines = [
    written.length === 0 ? `All files already exist in ${where}.` : `Wrote ${written.length} files to ${where}: ${written.join(', ')}`,
    ...(kept.length > 0 && written.length > 0 ? [`Kept existing files: ${kept.join(', ')}`] : []),
    '',
    'Next:',
    ...(isHere ? [] : [`  cd ${quoted(folder)}`]),
    ...(isBesideOther ? stepsBesideOther(files) : steps),
    '',
    'Then, in another terminal, send an event and open http://127.0.0.1:8080:',
    `  curl localhost:8080/pipelines/visits/events -d '{"page":"/home","visitor":"ann"}'`,
  ];
  return `${lines.join('\n')}\n`;
}

const steps = [
  '  npm install && npm start   # serves on http://127.0.0.1:8080 and reloads when a file changes',
  '  npm test                   # runs the pipeline on a virtual clock',
];

/** The package.json of another project has neither the dependencies nor the scripts, and its type may be CommonJS. */
function stepsBesideOther(files: readonly string[]): readonly string[] {
  const [pipeline, test] = ['src/', 'test/'].map((folder) => files.find((file) => file.startsWith(folder)));
  return [
    '  npm pkg set type=module    # these files are ES modules',
    '  npm install millrace zod',
    `  npx millrace serve --watch ./${pipeline}`,
    `  node --test ${test}`,
  ];
}

/** Quotes a folder for a shell, if necessary. */
function quoted(folder: string): string {
  const path = folder.startsWith('-') ? `./${folder}` : folder;
  return /^[\p{Letter}\p{Number}_./-]+$/u.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
