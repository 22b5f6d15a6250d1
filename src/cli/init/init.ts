import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Values } from '../../configuration/values.ts';
import { shownPath } from '../../modules/shown-path.ts';
import { readFlag } from '../read-flag.ts';
import type { StopOrders } from '../stop-orders.ts';
import { ask } from './ask.ts';
import { type Language, languages, projectFiles } from './project-files.ts';
import { checkIsEmpty, writeProject } from './write-project.ts';

interface Flags {
  readonly language?: string;
  readonly force: boolean;
}

/** Adds `millrace init`, which writes a small project with one pipeline. It needs no network. */
export function addInit(program: Command, orders: StopOrders): void {
  program
    .command('init')
    .summary('create a small project: one pipeline, its test, a Dockerfile')
    .description(
      'Writes a small project with one pipeline, its test and a Dockerfile. On a terminal it asks for anything you leave out: ' +
        'the folder and the language.',
    )
    .argument('[folder]', 'the folder to write to; by default the current one')
    .option('--language <language>', 'typescript or javascript (default: typescript)')
    .option('--force', 'allow a folder with files in it; existing files stay unchanged', false)
    .action(async (folder: string | undefined, flags: Flags) => {
      const flag = flags.language === undefined ? undefined : readFlag('--language', flags.language, languageValues);
      const target = folder ?? (await ask('Folder', '.', orders)) ?? '.';
      if (!flags.force) checkIsEmpty(target);
      const answer = flag ?? (await ask(`Language (${languages.join(', ')})`, languages[0], orders));
      const language = answer === undefined ? languages[0] : readFlag('language', answer, languageValues);
      const files = projectFiles({ name: packageName(target), language });
      const kept = writeProject(target, files);
      process.stdout.write(summary(target, Object.keys(files), kept));
    });
}

const languageValues: Values<Language> = {
  accepts: languages.join(' or '),
  read: (text) => languages.find((language) => language === text.trim().toLowerCase()),
};

/** Converts a folder's name to a valid npm package name. */
function packageName(folder: string): string {
  const name = basename(resolve(folder))
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '');
  // A package of that name could not depend on the engine.
  return name === '' || name === 'millrace' ? 'my-millrace' : name;
}

function summary(folder: string, files: readonly string[], kept: readonly string[]): string {
  const written = files.filter((file) => !kept.includes(file));
  const isHere = resolve(folder) === process.cwd();
  const lines = [
    `Wrote ${written.length} files to ${isHere ? 'this folder' : shownPath(resolve(folder))}: ${written.join(', ')}`,
    ...(kept.length > 0 ? [`Kept existing files: ${kept.join(', ')}`] : []),
    '',
    'Next:',
    ...(isHere ? [] : [`  cd ${folder}`]),
    '  npm install && npm start   # serves on http://127.0.0.1:8080 and reloads when a file changes',
    '  npm test                   # runs the pipeline on a virtual clock',
  ];
  return `${lines.join('\n')}\n`;
}
