import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The other programs that the demo calls: a warehouse and an SMS provider that occasionally fail, and currency rates. */
export interface World {
  readonly url: string;
  /** Adds a rate for the currency that had none. */
  bringRate(): void;
  stop(): Promise<void>;
}

/** The warehouse is down for part of each round, so that calls visibly fail, are retried, and sometimes given up. */
const roundMs = 60_000;
const downMs = 20_000;
const rates: Readonly<Record<string, number>> = { EUR: 1, USD: 0.92, GBP: 1.17 };

/** Starts it on a free port. */
export async function startWorld(): Promise<World> {
  const startedAt = Date.now();
  let hasLateRate = false;
  let messages = 0;
  const answers: Readonly<Record<string, (name: string, response: ServerResponse) => void>> = {
    warehouse(_name, response) {
      const isDown = (Date.now() - startedAt) % roundMs < downMs;
      response.writeHead(isDown ? 503 : Math.random() < 0.04 ? 422 : 204).end();
    },
    sms(_name, response) {
      messages += 1;
      if (Math.random() < 0.05) response.writeHead(503).end();
      else response.writeHead(202, { 'content-type': 'application/json' }).end(JSON.stringify({ messageId: `sms-${messages}` }));
    },
    rates(name, response) {
      const rate = name === 'TRY' && hasLateRate ? 0.027 : rates[name];
      if (rate === undefined) response.writeHead(404).end();
      else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ rate }));
    },
  };
  const server = createServer((request: IncomingMessage, response) => {
    request.resume();
    const [, program = '', name = ''] = (request.url ?? '').split('/');
    const answer = answers[program];
    if (answer === undefined) response.writeHead(404).end();
    else answer(name, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    bringRate() {
      hasLateRate = true;
    },
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
