import type { SimulatedMessage } from '../../../systems/rockets/simulate/expected-rocket.ts';
import { integerFrom, pick, type Random, randomOf } from '../../../systems/shared/random.ts';
import { type Load, type LoadMeans, readStatus, senders, uuidFrom } from './load.ts';

const senderCount = 5;
const rocketsMax = 25;
/** Messages to draw from, and so the most that a message may arrive ahead of its predecessors. */
const hatSize = 20;

/** Sends messages of rockets: out of order, repeated, from several senders per rocket. None is left out for good. */
export class RocketsLoad implements Load {
  /** Each rocket's messages, in number order, from 1. */
  readonly planned = new Map<string, SimulatedMessage[]>();
  readonly #means: LoadMeans;
  readonly #random: Random;
  readonly #hat: SimulatedMessage[] = [];
  readonly #taken: SimulatedMessage[] = [];

  constructor(means: LoadMeans) {
    this.#means = means;
    this.#random = randomOf(means.seed, means.group * 1_000);
  }

  async run(): Promise<void> {
    await Promise.all(senders(this.#means, 1, senderCount).map((random) => this.#send(random)));
  }

  async #send(random: Random): Promise<void> {
    const { client } = this.#means;
    for (let message = this.#draw(); message !== undefined; message = this.#draw()) {
      const lot = random();
      // Two at once with the same number; one of them gives up sooner.
      await Promise.all([this.#post(message, random), ...(lot < 0.08 ? [this.#post(message, random, 1)] : [])]);
      this.#taken.push(message);
      const known = this.#taken[Math.floor(random() * this.#taken.length)];
      if (lot > 0.9 && known !== undefined) await this.#post(lot > 0.95 ? otherwise(known) : known, random, 2);
      await client.rest(random, 0, 6);
    }
  }

  async #post(message: SimulatedMessage, random: Random, triesMax?: number): Promise<void> {
    const { channel, messageNumber } = message.metadata;
    const events = [{ pipeline: 'rockets', key: channel, name: String(messageNumber) }];
    await this.#means.client.send({ path: '/messages', body: message, events, read: readStatus }, random, triesMax);
  }

  /** Returns undefined when the load stops and nothing is left: no rocket may wait for a message that never comes. */
  #draw(): SimulatedMessage | undefined {
    while (!this.#means.isStopping() && this.#hat.length < hatSize) this.#hat.push(this.#next());
    const at = Math.floor(this.#random() * this.#hat.length);
    return this.#hat.splice(at, 1)[0];
  }

  #next(): SimulatedMessage {
    const random = this.#random;
    const isNew = this.planned.size === 0 || (this.planned.size < rocketsMax && random() < 0.05);
    const channel = isNew ? uuidFrom(random) : pick(random, Array.from(this.planned.keys()) as [string, ...string[]]);
    const messages = this.planned.get(channel) ?? [];
    this.planned.set(channel, messages);
    const message = messageOf(channel, messages.length + 1, random);
    messages.push(message);
    return message;
  }
}

/** Returns the same number with another payload, sent after the first was accepted: it must change nothing. */
function otherwise(message: SimulatedMessage): SimulatedMessage {
  return { metadata: { ...message.metadata, messageType: 'RocketSpeedIncreased' }, message: { by: 1_000_000 } };
}

function messageOf(channel: string, messageNumber: number, random: Random): SimulatedMessage {
  const metadata = { channel, messageNumber, messageTime: new Date(1_700_000_000_000 + messageNumber * 1_000).toISOString() };
  const by = integerFrom(random, 1, 1_000);
  const lot = random();
  if (messageNumber === 1 || lot < 0.02) {
    const message = { type: pick(random, ['Falcon-9', 'Ariane-6']), launchSpeed: by, mission: 'ARTEMIS' };
    return { metadata: { ...metadata, messageType: 'RocketLaunched' }, message };
  }
  if (lot < 0.05) return { metadata: { ...metadata, messageType: 'RocketExploded' }, message: { reason: `reason ${by}` } };
  if (lot < 0.2) return { metadata: { ...metadata, messageType: 'RocketMissionChanged' }, message: { newMission: `mission ${by}` } };
  if (lot < 0.6) return { metadata: { ...metadata, messageType: 'RocketSpeedIncreased' }, message: { by } };
  return { metadata: { ...metadata, messageType: 'RocketSpeedDecreased' }, message: { by } };
}
