import { resolve } from 'node:path';
import { shownPath } from '../../modules/shown-path.ts';

interface Written {
  readonly folder: string;
  /** The paths of all files of the project. */
  readonly files: readonly string[];
  /** Those that were there before. */
  readonly kept: readonly string[];
  /** Whether package.json is that of another project. */
  readonly isBesideOther: boolean;
}

/** Returns what `millrace init` says in the end: what it wrote, and the commands to go on with. */
export function summaryOf({ folder, files, kept, isBesideOther }: Written): string {
  const written = files.filter((file) => !kept.includes(file));
  const isHere = resolve(folder) === process.cwd();
  const where = isHere ? 'this folder' : shownPath(resolve(folder));
  const lines = [
    written.length === 0 ? `All files are in ${where} already.` : `Wrote ${written.length} files to ${where}: ${written.join(', ')}`,
    ...(kept.length > 0 && written.length > 0 ? [`Kept existing files: ${kept.join(', ')}`] : []),
    '',
    'Next:',
    ...(isHere ? [] : [`  cd ${quoted(folder)}`]),
    ...(isBesideOther ? stepsBesideOther(files) : steps),
    '',
    'Then, in another terminal, send an event and look at http://127.0.0.1:8080:',
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

/** Returns a folder as a shell takes it. */
function quoted(folder: string): string {
  const path = folder.startsWith('-') ? `./${folder}` : folder;
  return /^[\p{Letter}\p{Number}_./-]+$/u.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
