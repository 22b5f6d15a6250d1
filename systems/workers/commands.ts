import type { SystemCommand } from '../../src/cli/index.ts';
import type { Options } from './play/run.ts';

/** `millrace workers`. */
const play: SystemCommand = {
  name: 'workers',
  example: ['millrace workers --database talk.db', 'play a database of messages that workers say to each other'],
  define(command, invocation) {
    command
      .summary('play a database of messages that workers say to each other')
      .description(
        'Plays the messages of a SQLite file, in the order of their ids: waits for the interval of each, prints who speaks, whom and ' +
          'what that worker heard last, and lets the other worker hear it. The file is checked before the first message, and is ' +
          'never changed. A signal stops it, and with --state the same command goes on from there.',
      )
      .option(
        '--database <path>',
        'the file: messages_table(id, data), data being JSON with worker, message, interval and destination_worker',
      )
      .option('--verbose', 'also print the table, one of its rows, and the intervals')
      .option('--json', 'print a line of JSON for each message, with everything known about it')
      .option('--workers <n>', 'how many workers there are, numbered from 1', '5')
      .option('--state <path>', 'keep what the workers remember, and the place, in this SQLite file; without it nothing is kept')
      .action(async (options: Options) => {
        const { run } = await import('./play/run.ts');
        await run(options, invocation);
      });
  },
};

/** The workers' command-line commands. */
export const commands: readonly SystemCommand[] = [play];
