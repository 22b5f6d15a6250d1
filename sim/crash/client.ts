import { setTimeout as pause } from 'node:timers/promises';
import { integerFrom, type Random } from '../../systems/shared/random.ts';
import type { Ingest } from '../ledger.ts';
import type { Book, Named } from './book.ts';
import type { Connection, Reply } from './connection.ts';

type Answer = Ingest['answer'];

/** The events of one request. */
export interface Parcel {
  readonly path: string;
  readonly body: unknown;
  readonly events: readonly Named[];
  /** Returns the answers in a body with status 202, in the order of the events. */
  read(body: unknown): readonly string[];
}

/** Shared by the clients of all systems. */
export interface ClientMeans {
  readonly book: Book;
  readonly connection: Connection;
  /** Aborts to end the harness at once. */
  readonly signal: AbortSignal;
  say(broken: string): void;
}

/** A persistent client: it asks again whatever happens to the server, and records the answers. */
export class Client {
  readonly #means: ClientMeans;

  constructor(means: ClientMeans) {
    this.#means = means;
  }

  /** Sends a parcel until it is answered, up to a number of tries. Returns the last answers: `unknown` if it gave up. */
  async send(parcel: Parcel, random: Random, triesMax = Number.POSITIVE_INFINITY): Promise<readonly Answer[]> {
    for (let tries = 1; ; tries += 1) {
      const answers = await this.#try(parcel);
      const isTold = answers.every((answer) => answer === 'accepted' || answer === 'duplicate');
      if (isTold || tries >= triesMax || this.#means.signal.aborted) return answers;
      await this.rest(random, 30, 120);
    }
  }

  /** Makes a request that sends no event of the ledger. */
  post(path: string, body: unknown): Promise<Reply> {
    return this.#means.connection.post(path, body);
  }

  /** Pauses for a random time in this range, in milliseconds. */
  async rest(random: Random, minMs: number, maxMs: number): Promise<void> {
    await pause(integerFrom(random, minMs, maxMs));
  }

  async #try({ path, body, events, read }: Parcel): Promise<readonly Answer[]> {
    const { book, connection } = this.#means;
    const ends = events.map((event) => book.begin(event));
    const reply = await connection.post(path, body);
    const answers = reply.kind === 'answered' && reply.status === 202 ? read(reply.body).map((word) => this.#answerOf(path, word)) : [];
    const otherwise = reply.kind === 'answered' ? this.#refusalOf(path, reply) : 'unknown';
    return ends.map((end, at) => {
      const answer = answers[at] ?? otherwise;
      end(answer);
      return answer;
    });
  }

  /** Returns the meaning of any answer but 202 for all requested events. */
  #refusalOf(path: string, { status, body }: Reply & { readonly kind: 'answered' }): Answer {
    const code = codeOf(body);
    if (status !== 202 && status !== 503) this.#means.say(`${path} answered ${status} ${JSON.stringify(body)} to a valid request`);
    // After a store failure the result is unknown.
    return status === 503 && code !== 'MILL_STORE_UNAVAILABLE' ? 'refused' : 'unknown';
  }

  #answerOf(path: string, word: string): Answer {
    if (word === 'accepted' || word === 'duplicate') return word;
    this.#means.say(`${path} answered ${word} for a valid event`);
    return 'refused';
  }
}

/** Returns the code of a problem; undefined for anything else. */
function codeOf(body: unknown): unknown {
  return typeof body === 'object' && body !== null && 'code' in body ? body.code : undefined;
}
