import { integerFrom, pick, type Random } from '../../../systems/shared/random.ts';
import { type Load, type LoadMeans, readResults, readStatus, senders, uuidFrom } from './load.ts';

const senderCount = 2;
const batchMax = 12;

const types = ['user_action', 'sensor_data', 'system_log'] as const;
const sources = ['web', 'mobile', 'iot_device', 'system'] as const;

/** An event to send. */
interface PlannedEvent {
  readonly id: string;
  readonly type: (typeof types)[number];
  readonly source: (typeof sources)[number];
  readonly data: Readonly<Record<string, unknown>>;
}

/** Sends events with ids, singly and in batches, some repeated; some senders give up unanswered ones. */
export class EventsLoad implements Load {
  /** Everything sent, by id. */
  readonly planned = new Map<string, PlannedEvent>();
  readonly #means: LoadMeans;
  readonly #all: PlannedEvent[] = [];

  constructor(means: LoadMeans) {
    this.#means = means;
  }

  async run(): Promise<void> {
    await Promise.all(senders(this.#means, 2, senderCount).map((random) => this.#send(random)));
  }

  async #send(random: Random): Promise<void> {
    const { client, isStopping } = this.#means;
    while (!isStopping()) {
      const events = Array.from({ length: random() < 0.5 ? 1 : integerFrom(random, 2, batchMax) }, () => this.#next(random));
      const named = events.map(({ id }) => ({ pipeline: 'events', key: id, name: id }));
      const [single] = events;
      const parcel =
        events.length === 1
          ? { path: '/events', body: single, events: named, read: readStatus }
          : { path: '/events/batch', body: { events }, events: named, read: readResults };
      await client.send(parcel, random, random() < 0.1 ? 1 : undefined);
      await client.rest(random, 0, 10);
    }
  }

  /** Returns a new event, or one sent before, even in the same batch. */
  #next(random: Random): PlannedEvent {
    const known = this.#all[Math.floor(random() * this.#all.length)];
    if (known !== undefined && random() < 0.12) return known;
    const id = uuidFrom(random);
    const data = { mark: id, value: integerFrom(random, 0, 1_000_000) };
    const event = { id, type: pick(random, types), source: pick(random, sources), data };
    this.planned.set(id, event);
    this.#all.push(event);
    return event;
  }
}
