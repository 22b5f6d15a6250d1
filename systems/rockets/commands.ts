import type { SystemCommand } from '../../src/cli/index.ts';
import type { Options } from './simulate/run.ts';
import { tokenSetting } from './simulation-token.ts';

/** `millrace simulate rockets`. */
const simulate: SystemCommand = {
  verb: 'simulate',
  name: 'rockets',
  example: ['millrace simulate rockets', 'post messages out of order, then check every rocket'],
  define(command, invocation) {
    command
      .summary('messages of 20 rockets, out of order and repeated')
      .description(
        'Posts the messages of 20 rockets, out of order and repeated, until each is accepted. It retries refused or unanswered messages ' +
          'every 500 ms, so the server may be killed and restarted meanwhile. Then it compares every rocket ' +
          'from the API with the expected one. The same seed always yields the same messages.',
      )
      .argument('[url...]', 'URLs to post to, in turn; by default those of millrace serve: PORT if set, otherwise 8088, then 8080')
      .option('--concurrency-level <n>', 'number of senders, each with its own connection', '3')
      .option('--max-messages <n>', 'distinct messages', '100000')
      .option('--message-delay <duration>', "a sender's pause after each message", '0ms')
      .option('--seed <n>', 'seed for the messages', '444')
      .option('--duplicates <share>', 'share of messages posted twice, 0 to 1', '0.1')
      .addHelpText('after', `\nEnvironment:\n  ${tokenSetting.variable}  ${tokenSetting.meaning}`)
      .option('--shuffle <n>', 'number of messages shuffled together; 0 keeps the order', '300')
      .action(async (urls: string[], options: Options) => {
        const { run } = await import('./simulate/run.ts');
        await run(urls, options, invocation);
      });
  },
};

/** The command-line commands of the rockets. */
export const commands: readonly SystemCommand[] = [simulate];
