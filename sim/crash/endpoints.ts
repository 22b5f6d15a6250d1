import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { integerFrom, type Random } from '../../systems/shared/random.ts';
import type { Book, Call } from './book.ts';

/** The destinations of the server's calls. */
export interface EndpointUrls {
  readonly sms: string;
  readonly explosions: string;
}

/**
 * The SMS provider, and the receiver of explosions: both accept most calls and fail some, determined by the seed. Every arrival is recorded
 * in the current group's book.
 */
export class Endpoints {
  readonly #random: Random;
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  /** Connections that may bring calls: all except those that brought a calm one. */
  readonly #lines = new Set<Socket>();
  #closed = Promise.withResolvers<void>();
  #book: Book | undefined;
  #port = 0;

  private constructor(random: Random) {
    this.#random = random;
    this.#server.on('connection', (socket: Socket) => {
      this.#lines.add(socket);
      socket.on('close', () => this.#over(socket));
    });
  }

  static async listen(random: Random): Promise<Endpoints> {
    const endpoints = new Endpoints(random);
    endpoints.#server.listen(0, '127.0.0.1');
    await once(endpoints.#server, 'listening');
    const address = endpoints.#server.address();
    endpoints.#port = typeof address === 'object' && address !== null ? address.port : 0;
    return endpoints;
  }

  /** For the server. */
  get urls(): EndpointUrls {
    return { sms: this.#url('sms'), explosions: this.#url('explosions') };
  }

  /** Accepts every call at once and records none. */
  get calmUrls(): EndpointUrls {
    return { sms: this.#url('calm'), explosions: this.#url('calm') };
  }

  /** Assigns calls to this group from now on. */
  open(book: Book): void {
    this.#book = book;
  }

  /** Resolves once everything sent by a dead server has been read, so that none of it counts as the next one's. */
  async drained(): Promise<void> {
    // Connections are accepted in order, so those of the dead server come before this one.
    await (await fetch(this.calmUrls.sms)).arrayBuffer();
    while (this.#lines.size > 0) await this.#closed.promise;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #url(path: string): string {
    return `http://127.0.0.1:${this.#port}/${path}`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    const endpoint = request.url?.slice(1);
    const book = this.#book;
    if (book === undefined || (endpoint !== 'sms' && endpoint !== 'explosions')) {
      this.#over(request.socket);
      return accept(response, 'calm');
    }
    const id = String(request.headers['idempotency-key']);
    const arrivedAt = performance.now();
    const call: Call = { endpoint, id, life: book.life, arrivedAt, result: 'unknown', answeredAt: Number.NaN, messageId: '' };
    book.calls.push(call);
    await (endpoint === 'sms' ? this.#asProvider(call, response) : this.#asReceiver(call, response));
  }

  #over(socket: Socket): void {
    this.#lines.delete(socket);
    this.#closed.resolve();
    this.#closed = Promise.withResolvers<void>();
  }

  async #asProvider(call: Call, response: ServerResponse): Promise<void> {
    const lot = this.#random();
    if (lot < 0.12) return fail(call, response, 500);
    if (lot < 0.15) return fail(call, response, 429, { 'retry-after': String(integerFrom(this.#random, 0, 1)) });
    if (lot < 0.22) return drop(call, response);
    if (lot < 0.4) await pause(integerFrom(this.#random, 20, 300));
    take(call, response);
  }

  async #asReceiver(call: Call, response: ServerResponse): Promise<void> {
    if (this.#random() < 0.1) return fail(call, response, 500);
    if (this.#random() < 0.2) await pause(integerFrom(this.#random, 5, 100));
    take(call, response);
  }
}

/** The server may be gone by the time of a slow answer: then the answer was not sent, and the call stays `unknown`. */
function take(call: Call, response: ServerResponse): void {
  call.messageId = `sms-${randomUUID()}`;
  response.once('finish', () => settle(call, 'delivered'));
  accept(response, call.messageId);
}

function accept(response: ServerResponse, messageId: string): void {
  response.writeHead(202, { 'content-type': 'application/json' }).end(JSON.stringify({ message: 'Accepted', messageId }));
}

function fail(call: Call, response: ServerResponse, status: number, headers: Readonly<Record<string, string>> = {}): void {
  response.once('finish', () => settle(call, 'failed'));
  response.writeHead(status, headers).end();
}

/** Ends the connection without an answer. */
function drop(call: Call, response: ServerResponse): void {
  settle(call, 'failed');
  response.destroy();
}

function settle(call: Call, result: Call['result']): void {
  call.result = result;
  call.answeredAt = performance.now();
}
