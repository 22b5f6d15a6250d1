import { once } from 'node:events';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import type { Random } from '../../systems/shared/random.ts';

/** A call that arrived. */
export interface Arrival {
  readonly key: string;
  readonly n: number;
  readonly at: number;
}

/** One in this many calls fails. */
const failures = 20;

/** Receives the deliveries of the fleet, and fails some. */
export class Receiver {
  /** Accepted calls, in order of arrival. */
  readonly arrivals: Arrival[] = [];
  readonly #server;

  private constructor(random: Random) {
    this.#server = createServer((request, response) => {
      void (async () => {
        const { key, n } = (await json(request)) as { key: string; n: number };
        const isTaken = random() * failures >= 1;
        if (isTaken) this.arrivals.push({ key, n, at: Date.now() });
        response.writeHead(isTaken ? 204 : 500).end();
      })().catch(() => response.destroy());
    });
  }

  static async listen(random: Random): Promise<Receiver> {
    const receiver = new Receiver(random);
    await once(receiver.#server.listen(0, '127.0.0.1'), 'listening');
    return receiver;
  }

  get url(): string {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('expected a port');
    return `http://127.0.0.1:${address.port}/`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
