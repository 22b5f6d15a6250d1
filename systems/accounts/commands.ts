import type { SystemCommand } from '../../src/cli/index.ts';
import type { Options } from './replay/run.ts';

/** `millrace replay accounts`. */
const replay: SystemCommand = {
  verb: 'replay',
  name: 'accounts',
  example: ['millrace replay accounts updates.json', 'ingest account updates as they would arrive, up to the last callback'],
  define(command, invocation) {
    command
      .summary('account updates, up to the last callback')
      .description(
        'Ingests the updates in a JSON array, one after another, and prints each indexed version, each callback, ' +
          'and each callback that a newer version cancels. After the last callback it prints, for each account type, the ' +
          'account with the most tokens. Invalid updates are reported on stderr and skipped. A signal stops it; ' +
          'with --database the same command resumes from there.',
      )
      .argument('<file>', 'a JSON array of updates')
      .option('--max-delay <ms>', 'maximum delay before each update; 0: all at once', '1000')
      .option('--seed <n>', 'seed for the delays; random by default')
      .option(
        '--database <url>',
        'where to keep everything: postgres://USER@HOST/NAME, mysql://USER@HOST/NAME, sqlite:PATH, or a path ending in .db or .sqlite; by default nothing is kept',
      )
      .option('--verbose', 'also print ignored versions')
      .option('--json', 'print everything as JSON lines')
      .action(async (path: string, options: Options) => {
        const { run } = await import('./replay/run.ts');
        await run(path, options, invocation);
      });
  },
};

/** The command-line commands of the accounts. */
export const commands: readonly SystemCommand[] = [replay];
