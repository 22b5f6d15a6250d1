import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Block } from '../block.ts';
import type { Workshop } from '../workshop.ts';

/** Checks that the page's request is the one that a webhook receives when the page's rocket explodes. */
export async function explosionIsPosted(block: Block, workshop: Workshop): Promise<void> {
  const [head = '', body = ''] = block.text.split('\n\n');
  const rocket = JSON.parse(body).data;
  const posted = Promise.withResolvers<readonly [head: string, body: unknown]>();
  const receiver = createServer(async (request, response) => {
    const { method, url, headers } = request;
    response.writeHead(204).end();
    posted.resolve([`${method} ${url}\nwebhook-id: ${headers['webhook-id']}`, JSON.parse(await text(request))]);
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const address = receiver.address();
  assert.ok(typeof address === 'object' && address !== null);
  const served = await workshop.serve(workshop.root, 'millrace serve rockets --database memory:', {
    WEBHOOK_URL: `http://127.0.0.1:${address.port}/hooks`,
    WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
  });
  const tell = async (messageNumber: number, messageType: string, message: object) => {
    const metadata = { channel: rocket.id, messageNumber, messageTime: rocket.lastUpdated, messageType };
    const answer = await fetch(`${served.url}/messages`, { method: 'POST', body: JSON.stringify({ metadata, message }) });
    assert.equal(answer.status, 202);
  };
  try {
    await tell(1, 'RocketLaunched', { type: rocket.type, launchSpeed: rocket.speed, mission: rocket.mission });
    await tell(2, 'RocketExploded', { reason: rocket.explosionReason });
    assert.deepEqual(await posted.promise, [head, JSON.parse(body)]);
  } finally {
    await served.stop();
    receiver.close();
  }
}
