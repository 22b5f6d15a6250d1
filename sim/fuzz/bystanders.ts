import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../../src/errors.ts';
import { jsonOf } from './judge.ts';
import { unreachable } from './provider.ts';
import { User, type UserOptions } from './user.ts';

/** From the end of one errand to the next, in milliseconds. */
const pauseMs = 50;
/** Age at which a dead letter is resolved, so that its key learns of it. */
const letterAgeMs = 2_000;

/** Pages of a list read at a time. */
const pagesMax = 10;
const lists = [
  ...['id', 'type', 'speed', 'mission', 'status'].map((sort) => `/rockets?limit=30&sort=${sort}`),
  ...['tokens', 'id', 'version'].map((sort) => `/accounts?limit=100&sort=${sort}`),
  ...['/accounts/highest?limit=1', '/events?limit=100', '/dead-letters?limit=20', '/workers?limit=2'],
  ...['sent', 'pending', 'failed'].map((list) => `/messages/${list}?limit=100`),
];

/** Real users: their requests are valid, and must be served during attacks. */
export class Bystanders {
  readonly #user: User;
  readonly #errands: readonly (() => Promise<void>)[];
  #count = 0;
  #resolved = 0;
  #read = 0;
  #isOver = false;

  constructor(options: UserOptions) {
    this.#user = new User(options);
    this.#errands = [
      () => this.#rocket(),
      () => this.#event(),
      () => this.#batch(),
      () => this.#account(),
      () => this.#speech(),
      () => this.#message(),
      () => this.#startBatches(),
      () => this.#deadLetter(),
      () => this.#pages(),
    ];
  }

  /** The response times, in milliseconds. */
  get latencies(): readonly number[] {
    return this.#user.latencies;
  }

  /** Wrong, late or missing answers. */
  get faults(): readonly string[] {
    return this.#user.faults;
  }

  /** Dead letters that were redriven or discarded. */
  get resolved(): number {
    return this.#resolved;
  }

  /** Runs the given number of lanes until told to stop. */
  async run(lanes: number): Promise<void> {
    await Promise.all(Array.from({ length: lanes }, () => this.#lane()));
  }

  stop(): void {
    this.#isOver = true;
  }

  async #lane(): Promise<void> {
    while (!this.#isOver) {
      const errand = this.#errands[this.#count % this.#errands.length];
      this.#count += 1;
      try {
        await errand?.();
      } catch (error) {
        this.#user.faults.push(messageOf(error));
      }
      await sleep(pauseMs);
    }
  }

  async #rocket(): Promise<void> {
    const channel = randomUUID();
    const metadata = { channel, messageNumber: 1, messageTime: '2022-02-02T19:39:05.86337+01:00', messageType: 'RocketLaunched' };
    const launch = { metadata, message: { type: 'Falcon-9', launchSpeed: 500, mission: 'ARTEMIS' } };
    const faster = { metadata: { ...metadata, messageNumber: 2, messageType: 'RocketSpeedIncreased' }, message: { by: 250 } };
    for (const message of [faster, launch])
      await this.#user.post('/messages', message, [['rockets', `${channel}#${message.metadata.messageNumber}`]]);
    await this.#user.find(`/rockets/${channel}`, ({ speed, lastMessageNumber }) => speed === 750 && lastMessageNumber === 2);
  }

  async #event(): Promise<void> {
    const id = randomUUID();
    const data = { temperature: 23.5, toString: 'kept', nested: { list: [1, null, 'größer'] } };
    await this.#user.post('/events', { id, type: 'sensor_data', source: 'iot_device', data }, [['events', id]]);
    await this.#user.find(`/events/${id}`, ({ processed_data }) => isDeepStrictEqual(processed_data, data));
  }

  async #batch(): Promise<void> {
    const ids = [randomUUID(), randomUUID()];
    const events = ids.map((id) => ({ id, type: 'user_action', source: 'web', data: { action: 'login' } }));
    await this.#user.post(
      '/events/batch',
      { events },
      ids.map((id) => ['events', id]),
    );
  }

  async #account(): Promise<void> {
    const id = `bystander-${randomUUID()}`;
    const update = { id, accountType: 'escrow', tokens: 5, callbackTimeMs: 10, data: { constructor: 1 }, version: 3 };
    await this.#user.post('/accounts', update, [['accounts', `${id}#3`]]);
    await this.#user.find(`/accounts/${id}`, ({ version, data }) => version === 3 && isDeepStrictEqual(data, update.data));
  }

  async #speech(): Promise<void> {
    await this.#user.post('/workers/messages', { worker: 1, message: 'Hello', destination_worker: 2 }, []);
    await this.#user.find('/workers/2', ({ messages_heard }) => messages_heard > 0);
  }

  async #message(): Promise<void> {
    const to = this.#count % 3 === 0 ? `${unreachable}1234` : '+905551234567';
    const { body } = await this.#user.post('/messages/pending', { to, content: 'Hello' }, []);
    const { id } = Object(jsonOf(body));
    await this.#user.find(`/messages/${id}`, (message) => message.to === to);
  }

  /** Attempts occasionally stop the batches. */
  async #startBatches(): Promise<void> {
    await this.#user.post('/scheduler', { action: 'start' }, []);
  }

  async #deadLetter(): Promise<void> {
    const { body } = await this.#user.ask('GET', '/dead-letters?pipeline=messages&limit=5');
    const items: readonly { readonly id: string; readonly failedAt: string }[] = Object(jsonOf(body)).items ?? [];
    const letter = items.find(({ failedAt }) => Date.now() - Date.parse(failedAt) > letterAgeMs);
    if (letter === undefined) return;
    const what = this.#count % 2 === 0 ? 'redrive' : 'discard';
    const { status } = await this.#user.ask('POST', `/dead-letters/${letter.id}/${what}`);
    // Another operator may have come first, or the message may have returned meanwhile.
    if (![200, 404, 409].includes(status)) this.#user.faults.push(`POST /dead-letters/{id}/${what}: expected 200, found ${status}`);
    if (status === 200) this.#resolved += 1;
  }

  /** Whatever attacks have put into a list, its pages must lead one by one to the last. */
  async #pages(): Promise<void> {
    const list = lists[this.#read % lists.length] ?? '';
    this.#read += 1;
    let cursor: string | undefined = '';
    for (let page = 0; page < pagesMax && cursor !== undefined; page += 1) {
      const target: string = `${list}${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
      const { status, body } = await this.#user.ask('GET', target);
      if (status !== 200) throw new Error(`GET ${target.slice(0, 300)}: expected 200, found ${status} ${body.toString().slice(0, 300)}`);
      cursor = Object(jsonOf(body)).nextCursor;
    }
  }
}
