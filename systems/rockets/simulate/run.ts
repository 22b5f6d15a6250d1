import { type Invocation, readAddress, readFlag, readSetting, share, usualPort } from '../../../src/cli/index.ts';
import { durationUpTo, type Environment, integerBetween } from '../../../src/server/index.ts';
import { rockets } from '../index.ts';
import { tokenSetting } from '../simulation-token.ts';
import { type RocketSimulation, simulateRockets } from './simulate-rockets.ts';

/** As typed. */
export interface Options {
  readonly concurrencyLevel: string;
  readonly maxMessages: string;
  readonly messageDelay: string;
  readonly seed: string;
  readonly duplicates: string;
  readonly shuffle: string;
}

/** Runs the command: the exit code is 1 if a rocket is wrong. Throws `UsageError` for an option that is not accepted. */
export async function run(typed: readonly string[], options: Options, { environment, orders }: Invocation): Promise<void> {
  const named = typed
    .flatMap((text) => text.split(betweenUrls))
    .map((text) => readFlag('URL', text, { accepts: 'an http or https URL', read: readUrl }));
  const simulation = { ...readSimulation(options), headers: authorization(environment) };
  const place = named.length > 0 ? { all: named } : { firstOf: usualUrls(environment) };
  if (!(await simulateRockets(place, simulation, orders))) process.exitCode = 1;
}

/** Returns the addresses where a server started on this machine with the same variables may listen. */
function usualUrls(environment: Environment): readonly URL[] {
  const { host, port } = readAddress(environment);
  const ports = [port, rockets.port, usualPort].filter((each) => each !== undefined && each > 0);
  return Array.from(new Set(ports), (each) => new URL(`http://${host}:${each}/messages`));
}

/** Returns the authorization header of every request. */
function authorization(environment: Environment): Readonly<Record<string, string>> {
  const token = readSetting(tokenSetting, environment);
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

function readSimulation(options: Options): Omit<RocketSimulation, 'headers'> {
  return {
    senders: readFlag('--concurrency-level', options.concurrencyLevel, integerBetween(1, 1000)),
    messages: readFlag('--max-messages', options.maxMessages, integerBetween(1, 100_000_000)),
    pauseMs: readFlag('--message-delay', options.messageDelay, durationUpTo('1h')),
    seed: readFlag('--seed', options.seed, integerBetween(0, 999_999_999_999_999)),
    duplicates: readFlag('--duplicates', options.duplicates, share),
    // A larger hat could hold a rocket's message back until the server has more of its later ones than it lets wait.
    shuffle: readFlag('--shuffle', options.shuffle, integerBetween(0, 10_000)),
  };
}

/** A comma may be part of a URL, but not of the beginning of the next one. */
const betweenUrls = /,(?=https?:\/\/|[\w.-]+:\d)/;

/** Without a path, messages go to the rockets' route. */
function readUrl(text: string): URL | undefined {
  // `localhost:8080` is also a URL, with the scheme localhost.
  const url = URL.parse(/^[\w.-]+:\d+(\/|$)/.test(text) ? `http://${text}` : text);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  return url.pathname === '/' ? new URL('/messages', url) : url;
}
