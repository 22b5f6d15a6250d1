import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import * as z from 'zod';
import { pipeline } from '../pipeline/pipeline.ts';
import { post, serve, visits } from './fixture.test.ts';

test('the home page says what runs here', async (t) => {
  const { url, mill } = await serve(t, {
    routes: (app) => void app.get('/things/:id', { schema: { summary: 'One thing' } }, async () => ({})),
  });
  await post(`${url}/pipelines/visits/events`, { page: 'a' });
  await mill.settled('visits', 10_000);
  const response = await fetch(url);
  assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8');
  const page = await response.text();
  for (const part of [
    'Counts the visits of pages.',
    '<code>/things/:id</code>',
    'One thing',
    '<th scope="row">visits</th><td data-column="Waiting">0</td>',
    '<td data-column="Received">1</td><td data-column="Processed">1</td>',
    '<p class="health">running</p>',
    '<p class="calm">Nothing waits for you.</p>',
  ]) {
    assert.ok(page.includes(part), part);
  }
});

test('the home page leads to what is looked at first, and every link is answered', async (t) => {
  const { url } = await serve(t);
  const page = await (await fetch(url)).text();
  const nav = /<nav>.*?<\/nav>/s.exec(page)?.[0] ?? '';
  const links = Array.from(nav.matchAll(/href="([^"]+)"/g), ([, link = '']) => link);
  assert.deepEqual(links, ['/docs', '/metrics', '/health', '/fleet', '/dead-letters']);
  for (const link of links) assert.equal((await fetch(`${url}${link}`)).status, 200, link);
});

test('the section of a system without routes of its own has those of its pipelines', async (t) => {
  const list = async (served: Parameters<typeof serve>[1]) => {
    const page = await (await fetch((await serve(t, served)).url)).text();
    const section = /<h2>Site.*?<\/section>/s.exec(page)?.[0] ?? '';
    return Array.from(section.matchAll(/>(\w+)<\/span>.*?<code>([^<]+)<\/code>/g), ([, method, url]) => `${method} ${url}`);
  };
  const counted = pipeline('counted', { event: z.object({}), schedule: { every: '1h', source: async () => [] }, handle() {} });
  assert.deepEqual(await list({ pipelines: [counted, visits] }), [
    'POST /pipelines/counted/events',
    'POST /pipelines/counted/events/batch',
    'GET /pipelines/counted/keys/:key',
    'GET /pipelines/counted/schedule',
    'POST /pipelines/counted/schedule',
    'POST /pipelines/visits/events',
    'POST /pipelines/visits/events/batch',
    'GET /pipelines/visits/keys/:key',
  ]);
  assert.deepEqual(await list({ routes: (app) => void app.get('/things', async () => ({})) }), ['GET /things']);
});

test('the home page loads nothing and escapes what it shows', async (t) => {
  const { url } = await serve(t);
  const response = await fetch(url);
  const page = await response.text();
  const [, style = ''] = /<style>(.*?)<\/style>/s.exec(page) ?? [];
  const policy = response.headers.get('content-security-policy') ?? '';
  assert.ok(policy.startsWith(`default-src 'none'; style-src 'sha256-${hash('sha256', style, 'base64')}';`), policy);
  assert.doesNotMatch(page, /<[^>]+ style=/);
  assert.ok(page.includes('Site &lt;b&gt;') && !page.includes('Site <b>'));
  assert.doesNotMatch(page, /(?:src|href)="(?!\/|data:)/);
  assert.doesNotMatch(page, /<script/);
});

test('the home page says what is wrong', async (t) => {
  const { url, mill } = await serve(t);
  await mill.stop();
  assert.match(await (await fetch(url)).text(), /<p class="health fault">[^<]*stop/);
});
