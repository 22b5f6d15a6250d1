import type { SystemCommand } from '../../src/cli/index.ts';
import type { Options } from './replay/run.ts';

/** `millrace replay accounts`. */
const replay: SystemCommand = {
  verb: 'replay',
  name: 'accounts',
  example: ['millrace replay accounts updates.json', 'take updates of accounts in as they would arrive, to the last callback'],
  define(command, invocation) {
    command
      .summary('updates of accounts, to the last callback')
      .description(
        'Ingests the updates of a JSON array, one after another, and prints what happens: versions that are indexed, their ' +
          'callbacks, and those that a newer version cancels. After the last callback it prints, for each account type, the ' +
          'account with the most tokens. Updates that are not valid are told on stderr and skipped. A signal stops it, and ' +
          'with --database the same command goes on from there.',
      )
      .argument('<file>', 'a JSON array of updates')
      .option('--max-delay <ms>', 'the longest pause before the next update; 0: all at once', '1000')
      .option('--seed <n>', 'seed of the delays; without it they differ from run to run')
      .option(
        '--database <url>',
        'keep it all in postgres://USER@HOST/NAME, mysql://USER@HOST/NAME, sqlite:PATH, or a path ending in .db or .sqlite; without it nothing is kept',
      )
      .option('--verbose', 'also print versions that are ignored')
      .option('--json', 'print JSON lines, of everything')
      .action(async (path: string, options: Options) => {
        const { run } = await import('./replay/run.ts');
        await run(path, options, invocation);
      });
  },
};

/** The accounts' command-line commands. */
export const commands: readonly SystemCommand[] = [replay];
