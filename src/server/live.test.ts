import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import * as z from 'zod';
import { digestOf, newSecret } from './access/token.ts';
import { Tokens } from './access/tokens.ts';
import { post, problemIn, serve } from './fixture.test.ts';

const Figures = z.object({ at: z.string(), pipelines: z.record(z.string(), z.looseObject({ health: z.string(), in: z.number() })) });
const Sample = z.object({
  isSample: z.literal(true),
  turns: z.int(),
  items: z.array(z.looseObject({ key: z.string(), what: z.string() })),
});

/** Yields the events of a feed as they arrive. */
async function* eventsOf(response: Response): AsyncGenerator<{ readonly event: string; readonly data: unknown }> {
  assert.ok(response.body !== null);
  let unread = '';
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    unread += text;
    const messages = unread.split('\n\n');
    unread = messages.pop() ?? '';
    for (const message of messages) {
      const [, event = '', data = ''] = /^event: (.*)\ndata: (.*)$/.exec(message) ?? [];
      yield { event, data: JSON.parse(data) };
    }
  }
}

test('the feed reports at once the state of every pipeline, and then a sample of what happens', async (t) => {
  const { url } = await serve(t);
  const controller = new AbortController();
  const response = await fetch(`${url}/live`, { signal: controller.signal });
  assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  assert.equal(response.headers.get('cache-control'), 'no-store');
  const events = eventsOf(response);
  const first = await events.next();
  assert.deepEqual(Object.keys(Figures.parse(first.value?.data).pipelines), ['visits', 'numbered']);
  await post(`${url}/pipelines/visits/events`, { page: 'a' });
  await post(`${url}/pipelines/visits/events`, { page: 'poison' });
  const seen: string[] = [];
  for await (const { event, data } of events) {
    if (event === 'sample') for (const { key, what } of Sample.parse(data).items) seen.push(`${key}: ${what}`);
    if (seen.length >= 2) break;
  }
  assert.deepEqual(seen.toSorted(), ['a: event handled', 'poison: gave up']);
  controller.abort();
});

test('a stop ends the feed at once', async (t) => {
  const { url, server } = await serve(t);
  const response = await fetch(`${url}/live`);
  const events = eventsOf(response);
  await events.next();
  const from = performance.now();
  await server.stop(10_000);
  for await (const _ of events);
  assert.ok(performance.now() - from < 5_000);
});

test('the number of followers is limited, and one that leaves makes room', async (t) => {
  const { url } = await serve(t);
  const followers = await Promise.all(
    Array.from({ length: 64 }, async () => {
      const controller = new AbortController();
      const response = await fetch(`${url}/live`, { signal: controller.signal });
      assert.equal(response.status, 200);
      return controller;
    }),
  );
  const refused = await fetch(`${url}/live`);
  assert.equal(refused.status, 503);
  assert.equal((await problemIn(refused)).code, 'MILL_READS_FULL');
  followers[0]?.abort();
  let status = 503;
  const controller = new AbortController();
  while (status !== 200) {
    status = (await fetch(`${url}/live`, { signal: controller.signal })).status;
    if (status !== 200) await pause(10);
  }
  controller.abort();
  for (const follower of followers) follower.abort();
});

test('a token for some pipelines follows only these', async (t) => {
  const secret = newSecret();
  const tokens = new Tokens([{ name: 'ann', role: 'read', digest: digestOf(secret), pipelines: new Set(['visits']) }]);
  const { url } = await serve(t, { access: { tokens } });
  const headers = { authorization: `Bearer ${secret}` };
  const controller = new AbortController();
  const events = eventsOf(await fetch(`${url}/live`, { headers, signal: controller.signal }));
  const first = await events.next();
  assert.deepEqual(Object.keys(Figures.parse(first.value?.data).pipelines), ['visits']);
  controller.abort();
  const answer = await (await fetch(`${url}/access`, { headers })).json();
  assert.deepEqual(answer, { asksForTokens: true, token: { name: 'ann', role: 'read', pipelines: ['visits'] } });
  assert.deepEqual(await (await fetch(`${url}/access`)).json(), { asksForTokens: true, token: null });
});
