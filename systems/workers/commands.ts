import type { SystemCommand } from '../../src/cli/index.ts';
import type { Options } from './play/run.ts';

/** `millrace workers`. */
const play: SystemCommand = {
  name: 'workers',
  example: ['millrace workers --database talk.db', 'play a database of messages between workers'],
  define(command, invocation) {
    command
      .summary('play a database of messages between workers')
      .description(
        'Plays the messages in a SQLite file, in id order: waits for the interval of each, prints the sender and the last message that it ' +
          'heard, then delivers the message to the other worker. The file is checked before the first message, and is ' +
          'never changed. A signal stops it; with --state the same command resumes from there.',
      )
      .option(
        '--database <path>',
        'SQLite file with messages_table(id, data), where data is JSON with worker, message, interval and destination_worker',
      )
      .option('--verbose', 'also print the table, one of its rows, and the intervals')
      .option('--json', 'print each message as a line of JSON, with all details')
      .option('--workers <n>', 'number of workers, numbered from 1', '5')
      .option('--state <path>', "keep the workers' memory and the position in this SQLite file; by default nothing is kept")
      .action(async (options: Options) => {
        const { run } = await import('./play/run.ts');
        await run(options, invocation);
      });
  },
};

/** The command-line commands of the workers. */
export const commands: readonly SystemCommand[] = [play];
