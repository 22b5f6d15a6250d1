import type { Command } from 'commander';
import { rockets } from '../../systems/rockets/index.ts';
import { type Environment, readSetting, type Setting } from '../configuration/setting.ts';
import { durationUpTo, integerBetween, readValue, share, type Values } from '../configuration/values.ts';
import { readAddress, usualPort } from './configuration.ts';
import { type RocketSimulation, simulateRockets } from './simulate/rockets.ts';
import type { StopOrders } from './stop-orders.ts';
import { UsageError } from './usage-error.ts';

/** Adds `millrace simulate` and what it can simulate. */
export function addSimulate(program: Command, environment: Environment, orders: StopOrders): void {
  const simulate = program
    .command('simulate')
    .summary('put load on a system, and check what becomes of it')
    .description('Puts load on a running system and checks what becomes of it.');
  simulate
    .command('rockets')
    .summary('messages of 20 rockets, out of order and repeated')
    .description(
      'Posts the messages of 20 rockets, out of order and repeated, until each is taken; what is refused or not answered ' +
        'is posted again every 500 ms, so the server may be killed and started again under it. Then compares every rocket ' +
        'over the API with what it has to be. The same seed always gives the same messages.',
    )
    .argument('[url]', 'where to post; without it where millrace serve listens: PORT if that is set, or 8088, or 8080')
    .option('--concurrency-level <n>', 'senders, each with a connection of its own', '3')
    .option('--max-messages <n>', 'distinct messages', '100000')
    .option('--message-delay <duration>', 'rest of a sender after each message', '0ms')
    .option('--seed <n>', 'what the messages are made from', '444')
    .option('--duplicates <share>', 'share of the messages that is posted twice, 0 to 1', '0.1')
    .addHelpText('after', `\nEnvironment:\n  ${tokenSetting.variable}  ${tokenSetting.meaning}`)
    .option('--shuffle <n>', 'size of the hat out of which the next message is drawn; 0 keeps the order', '300')
    .action(async (url: string | undefined, options: Options) => {
      const urls = url === undefined ? usualUrls(environment) : [read('URL', url, { accepts: 'an http or https URL', read: readUrl })];
      const simulation = { ...readSimulation(options), headers: authorization(environment) };
      if (!(await simulateRockets(urls, simulation, orders))) process.exitCode = 1;
    });
}

/** As typed. */
interface Options {
  readonly concurrencyLevel: string;
  readonly maxMessages: string;
  readonly messageDelay: string;
  readonly seed: string;
  readonly duplicates: string;
  readonly shuffle: string;
}

/** Returns the addresses at which a server may listen that was started on this machine with the same variables. */
function usualUrls(environment: Environment): readonly URL[] {
  const { host, port } = readAddress(environment);
  const ports = [port, rockets.port, usualPort].filter((each) => each !== undefined && each > 0);
  return Array.from(new Set(ports), (each) => new URL(`http://${host}:${each}/messages`));
}

/** What every request says of who sends it. */
function authorization(environment: Environment): Readonly<Record<string, string>> {
  const token = readSetting(tokenSetting, environment);
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

const tokenSetting = {
  variable: 'MILLRACE_TOKEN',
  meaning: 'the token to send, where the server asks for one; it must be one that may operate',
  values: { accepts: 'a token as millrace token prints it', read: (text) => (/^[!-~]+$/.test(text) ? text : undefined) },
  secret: true,
} satisfies Setting<string>;

function readSimulation(options: Options): Omit<RocketSimulation, 'headers'> {
  return {
    senders: read('--concurrency-level', options.concurrencyLevel, integerBetween(1, 1000)),
    messages: read('--max-messages', options.maxMessages, integerBetween(1, 100_000_000)),
    pauseMs: read('--message-delay', options.messageDelay, durationUpTo('1h')),
    seed: read('--seed', options.seed, integerBetween(0, 999_999_999_999_999)),
    duplicates: read('--duplicates', options.duplicates, share),
    // A larger hat could hold a rocket's message back until the server has more of its later ones than it lets wait.
    shuffle: read('--shuffle', options.shuffle, integerBetween(0, 10_000)),
  };
}

function read<T>(name: string, text: string, values: Values<T>): T {
  return readValue(values, text, (message) => new UsageError(`${name}: ${message}`));
}

/** Without a path the messages go to where the rockets take them. */
function readUrl(text: string): URL | undefined {
  // `localhost:8080` is a URL too, of the scheme localhost.
  const url = URL.parse(/^[\w.-]+:\d+(\/|$)/.test(text) ? `http://${text}` : text);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  return url.pathname === '/' ? new URL('/messages', url) : url;
}
