import assert from 'node:assert/strict';
import { on } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import test, { type TestContext } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { MillraceError, memory, millrace } from '../../src/index.ts';
import { configure } from '../../src/server/index.ts';
import { rockets } from './index.ts';
import type { RocketMessage } from './message.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const id = '193270a9-c9cf-404a-8f83-838e71d9ae67';
const time = '2022-02-02T19:39:05.86337+01:00';

const messages: readonly RocketMessage[] = [
  { metadata: at(1, 'RocketLaunched'), message: { type: 'Falcon-9', launchSpeed: 500, mission: 'ARTEMIS' } },
  { metadata: at(2, 'RocketExploded'), message: { reason: 'ENGINE_FAILURE' } },
  { metadata: at(3, 'RocketExploded'), message: { reason: 'AGAIN' } },
];

function at<T extends string>(messageNumber: number, messageType: T) {
  return { channel: id, messageNumber, messageTime: time, messageType };
}

interface Told {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A server that accepts and records every notification. */
async function receiver(context: TestContext) {
  const told: Told[] = [];
  const server = createServer(async (request, response) => {
    told.push({ headers: request.headers, body: Buffer.concat(await request.toArray()).toString() });
    response.writeHead(204).end();
    server.emit('told');
  });
  const arrivals = on(server, 'told');
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('expected a port');
  return { told, url: `http://127.0.0.1:${address.port}/hooks`, next: () => arrivals.next() };
}

/** Runs the rockets with these variables, and ingests the messages. */
async function run(context: TestContext, environment: Readonly<Record<string, string>>) {
  const { pipelines } = configure(rockets, environment);
  const mill = await millrace({ store: memory(), pipelines }).start();
  context.after(() => mill.stop());
  for (const message of messages) await mill.ingest('rockets', message);
  await mill.settled('rockets', 5000);
  return mill;
}

test('the webhook is notified of each exploding rocket, once and signed', async (context) => {
  const { told, url, next } = await receiver(context);
  const mill = await run(context, { WEBHOOK_URL: url, WEBHOOK_SECRET: secret });
  await next();
  await mill.stop();
  const [first] = told;
  assert.ok(first);
  const headers = Object.fromEntries(
    ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => [name, String(first.headers[name])]),
  );
  assert.equal(headers['webhook-id'], `rocket.exploded/${id}/2`);
  assert.deepEqual(new Webhook(secret).verify(first.body, headers), {
    type: 'rocket.exploded',
    timestamp: time,
    data: {
      id,
      type: 'Falcon-9',
      speed: 500,
      mission: 'ARTEMIS',
      status: 'EXPLODED',
      explosionReason: 'ENGINE_FAILURE',
      lastMessageNumber: 2,
      lastUpdated: time,
    },
  });
  assert.equal(told.length, 1);
});

test('without a secret notifications are unsigned', async (context) => {
  const { told, url, next } = await receiver(context);
  await run(context, { WEBHOOK_URL: url });
  await next();
  assert.deepEqual([told[0]?.headers['idempotency-key'], told[0]?.headers['webhook-signature']], [`rocket.exploded/${id}/2`, undefined]);
});

test('without a webhook nobody is notified', async (context) => {
  const mill = await run(context, { WEBHOOK_SECRET: secret });
  assert.equal(Object(await mill.state('rockets', id)).status, 'EXPLODED');
  assert.deepEqual(await mill.deadLetters(), []);
});

test('an invalid variable is refused, and not shown', () => {
  const refused: readonly [Readonly<Record<string, string>>, string][] = [
    [{ WEBHOOK_URL: 'hush.example' }, 'WEBHOOK_URL: expected an http or https URL, found a value that is not shown'],
    [{ WEBHOOK_URL: 'ftp://hush.example' }, 'WEBHOOK_URL: expected an http or https URL, found a value that is not shown'],
    [
      { WEBHOOK_SECRET: 'whsec_hush' },
      'WEBHOOK_SECRET: expected whsec_ followed by 24 to 64 bytes in base64, found a value that is not shown',
    ],
  ];
  for (const [environment, message] of refused) {
    assert.throws(
      () => configure(rockets, environment),
      (error) => error instanceof MillraceError && error.code === 'MILL_INVALID_CONFIGURATION' && error.message === message,
    );
  }
});
