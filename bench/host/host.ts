/** The process that hosts one peer: its client, its handlers, and the load. */

import { peerNamed } from '../peers/index.ts';
import type { Peer } from '../peers/peer.ts';
import { EventStream } from '../work/event.ts';
import { fill, type LoadMeans, openLoop, pour, saturate } from './load.ts';
import { Progress } from './progress.ts';
import type { Calls, Message, Request, StartOptions } from './protocol.ts';

/** For one process. */
const sendersEach = 4;
const noPeer: Peer = {
  start: missing,
  ingest: missing,
  work: missing,
  rest: missing,
  history: missing,
  countOfStates: missing,
  stop: missing,
};

let means: LoadMeans = { peer: noPeer, progress: new Progress(), streams: [] };
let filled = 0;
let stallMs = 0;
/** For the recovery, by `performance.now()`. */
let startedAt = 0;

const calls: Calls = {
  async start(options) {
    means = await prepare(options);
    await means.peer.start();
  },
  async recover(options) {
    means = await prepare(options);
    startedAt = performance.now();
    await means.peer.start();
    await means.peer.work();
  },
  async firstProgress() {
    return means.progress.firstAt === undefined ? null : means.progress.firstAt - startedAt;
  },
  work: () => means.peer.work(),
  rest: () => means.peer.rest(),
  async fill(count) {
    filled = means.progress.count + count;
    return fill(means, count);
  },
  async drain() {
    const drainedFrom = performance.now();
    await means.peer.work();
    await means.progress.until(filled, stallMs);
    return means.progress.lastAt - drainedFrom;
  },
  saturate: (seconds, window) => saturate(means, seconds, window),
  openLoop: (seconds, rate) => openLoop(means, seconds, rate),
  async pour(ahead) {
    pour(means, ahead, (acknowledged) => send({ acknowledged }));
  },
  async cpu() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  },
  async progress() {
    return { count: means.progress.count, lastAt: performance.timeOrigin + means.progress.lastAt };
  },
  async produced() {
    return means.streams.map(({ produced }) => produced);
  },
  history: () => means.peer.history(),
  countOfStates: () => means.peer.countOfStates(),
  stop: () => means.peer.stop(),
};

async function prepare(options: StartOptions): Promise<LoadMeans> {
  const { keys, seed, folder, database, redisPort, place = { nth: 0, of: 1 } } = options;
  const progress = new Progress();
  const make = await peerNamed(options.peer).load();
  const peer = make({ folder, database, redisPort, handled: progress.handled });
  const senders = sendersEach * place.of;
  const streams = Array.from(
    { length: sendersEach },
    (_, nth) => new EventStream({ seed, keys, sender: sendersEach * place.nth + nth, senders }),
  );
  stallMs = options.stallMs;
  return { peer, progress, streams };
}

async function missing(): Promise<never> {
  throw new Error('expected a start before anything else');
}

function send(message: Message): void {
  process.send?.(message);
}

process.on('message', ({ id, call, words }: Request) => {
  const answering = (calls[call] as (...words: readonly unknown[]) => Promise<unknown>)(...words);
  answering.then(
    (answer) => send({ id, answer }),
    (error: unknown) => send({ id, failure: error instanceof Error ? error.message : String(error) }),
  );
});
// Nobody is left to send a request.
process.on('disconnect', () => process.exit());
// Ctrl-C reaches all processes of the terminal; the program ends its hosts itself.
process.on('SIGINT', () => undefined);
