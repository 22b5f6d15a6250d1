import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Values } from '../../configuration/values.ts';
import { readFlag } from '../read-flag.ts';
import type { StopOrders } from '../stop-orders.ts';
import { ask } from './ask.ts';
import { summaryOf } from './next-steps.ts';
import { packageName } from './package-name.ts';
import { endings, type Language, languages, projectFiles } from './project-files.ts';
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
    .option('--language <language>', 'typescript (ts) or javascript (js); default: typescript')
    .option('--force', 'allow a folder with files in it; existing files stay unchanged', false)
    .action(async (folder: string | undefined, flags: Flags) => {
      const flag = flags.language === undefined ? undefined : readFlag('--language', flags.language, languageValues);
      const target = folder ?? (await ask('Folder', '.', orders)) ?? '.';
      if (!flags.force) checkIsEmpty(target);
      const answer = flag ?? (await ask(`Language (${languages.join(', ')})`, languages[0], orders));
      const language = answer === undefined ? languages[0] : readFlag('language', answer, languageValues);
      const files = projectFiles({ name: packageName(target), language });
      const kept = writeProject(target, files);
      const isBesideOther = readFileSync(join(target, 'package.json'), 'utf8') !== files['package.json'];
      process.stdout.write(summaryOf({ folder: target, files: Object.keys(files), kept, isBesideOther }));
    });
}

const languageValues: Values<Language> = {
  accepts: languages.join(' or '),
  read: (text) => {
    const word = text.trim().toLowerCase();
    return languages.find((language) => language === word || endings[language] === word);
  },
};
