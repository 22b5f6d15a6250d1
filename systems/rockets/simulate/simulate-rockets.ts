import { endWhenAsked, progressOf, type StopOrders } from '../../../src/cli/index.ts';
import { randomOf } from '../../shared/random.ts';
import { countWithRepeats, disorder } from './disorder.ts';
import type { ExpectedRocket } from './expected-rocket.ts';
import { findRockets } from './find-rockets.ts';
import { flights } from './flights.ts';
import { describeRun } from './report.ts';
import { sendAll } from './sender.ts';
import { findDifferences } from './verify.ts';

export interface RocketSimulation {
  readonly senders: number;
  /** Distinct messages. */
  readonly messages: number;
  /** Pause of a sender after each message. */
  readonly pauseMs: number;
  readonly seed: number;
  /** The share of messages that occur again, from 0 to 1. */
  readonly duplicates: number;
  /** Number of messages in the hat from which the next one is drawn. */
  readonly shuffle: number;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Time limit for the server to apply everything it has accepted. */
const settlingMs = 30_000;

/** Finds the rockets: at all of the URLs, in one fleet, or at one of them. */
type Place = { readonly all: readonly URL[] } | { readonly firstOf: readonly URL[] };

/**
 * Posts the messages to the URLs in turn, then checks every rocket at `/rockets/{id}` of their origins; prints figures and verdict.
 * Resolves to whether all rockets are right. Throws if there are no rockets.
 */
export async function simulateRockets(place: Place, simulation: RocketSimulation, orders: StopOrders): Promise<boolean> {
  const { senders, messages, pauseMs, seed, duplicates, shuffle, headers } = simulation;
  const rockets = new Map<string, ExpectedRocket>();
  const items = flights(seed, rockets);
  const stream = disorder({ items, count: messages, repeats: duplicates, hat: shuffle, random: randomOf(seed, 2) });
  endWhenAsked(orders);
  const urls = await findPlace(place, headers);
  const progress = progressOf(countWithRepeats(messages, duplicates));
  endWhenAsked(orders, () => progress.end());
  const startedAt = performance.now();
  const sent = await sendAll(stream, {
    urls,
    headers,
    senders,
    pauseMs,
    onTaken: () => progress.step(),
    onRetry: (url, reason) => progress.note(`${url.href}: ${reason}; retrying`),
  }).finally(() => progress.end());
  process.stdout.write(`${describeRun(sent, performance.now() - startedAt)}\n`);
  const differences = await findDifferences({ origins: urls.map(({ origin }) => origin), headers }, rockets.values(), settlingMs);
  process.stdout.write(`${verdictOn(differences, rockets.size)}\n`);
  return differences.length === 0;
}

async function findPlace(place: Place, headers: RocketSimulation['headers']): Promise<readonly URL[]> {
  if ('all' in place) return Promise.all(place.all.map((url) => findRockets([url], headers)));
  const url = await findRockets(place.firstOf, headers);
  process.stderr.write(`millrace: found the rockets at ${url.origin}\n`);
  return [url];
}

function verdictOn(differences: readonly string[], rockets: number): string {
  if (differences.length === 0) return `all ${rockets} rockets are right`;
  return `${differences.join('\n')}\n${differences.length === 1 ? '1 difference' : `${differences.length} differences`}`;
}
