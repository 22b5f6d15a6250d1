import { integerFrom, type Random } from '../../../systems/shared/random.ts';
import { type Load, type LoadMeans, readStatus, senders } from './load.ts';

const senderCount = 2;
const workerCount = 5;

export interface PlannedSpeech {
  readonly worker: number;
  readonly destination_worker: number;
}

/** Sends the workers' messages. A message has no id, so an unanswered one is sent again as a new message. */
export class WorkersLoad implements Load {
  /** Everything sent, by contents, which are unique. */
  readonly planned = new Map<string, PlannedSpeech>();
  readonly #means: LoadMeans;

  constructor(means: LoadMeans) {
    this.#means = means;
  }

  async run(): Promise<void> {
    await Promise.all(senders(this.#means, 5, senderCount).map((random) => this.#send(random)));
  }

  async #send(random: Random): Promise<void> {
    const { client, isStopping } = this.#means;
    while (!isStopping()) {
      const speech = { worker: integerFrom(random, 1, workerCount), destination_worker: integerFrom(random, 1, workerCount) };
      await this.#speak(speech, random);
      await client.rest(random, 2, 20);
    }
  }

  async #speak(speech: PlannedSpeech, random: Random): Promise<void> {
    const message = `speech ${this.#means.group}.${this.planned.size + 1}`;
    this.planned.set(message, speech);
    const events = [{ pipeline: 'workers', key: String(speech.worker), name: `speak ${message}` }];
    const parcel = { path: '/workers/messages', body: { ...speech, message }, events, read: readStatus };
    const [answer] = await this.#means.client.send(parcel, random, 1);
    if (answer !== 'accepted') await this.#means.client.rest(random, 30, 120);
  }
}
