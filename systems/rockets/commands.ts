import type { SystemCommand } from '../../src/cli/index.ts';
import type { Options } from './simulate/run.ts';
import { tokenSetting } from './simulation-token.ts';

/** `millrace simulate rockets`. */
const simulate: SystemCommand = {
  verb: 'simulate',
  name: 'rockets',
  example: ['millrace simulate rockets', 'load the rockets with messages out of order, then check every rocket'],
  define(command, invocation) {
    command
      .summary('messages of 20 rockets, out of order and repeated')
      .description(
        'Posts the messages of 20 rockets, out of order and repeated, until each is accepted; a message that is refused or not answered ' +
          'is posted again every 500 ms, so the server may be killed and started again under it. Then compares every rocket ' +
          'over the API with what it has to be. The same seed always gives the same messages.',
      )
      .argument(
        '[url...]',
        'where to post, to several in turn; without it where millrace serve listens: PORT if that is set, or 8088, or 8080',
      )
      .option('--concurrency-level <n>', 'senders, each with a connection of its own', '3')
      .option('--max-messages <n>', 'distinct messages', '100000')
      .option('--message-delay <duration>', 'pause of a sender after each message', '0ms')
      .option('--seed <n>', 'seed of the messages', '444')
      .option('--duplicates <share>', 'share of the messages that are posted twice, 0 to 1', '0.1')
      .addHelpText('after', `\nEnvironment:\n  ${tokenSetting.variable}  ${tokenSetting.meaning}`)
      .option('--shuffle <n>', 'how many messages are shuffled together; 0 keeps the order', '300')
      .action(async (urls: string[], options: Options) => {
        const { run } = await import('./simulate/run.ts');
        await run(urls, options, invocation);
      });
  },
};

/** The rockets' command-line commands. */
export const commands: readonly SystemCommand[] = [simulate];
