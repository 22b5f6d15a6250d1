import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { isCrossOrigin } from './cross-origin.ts';
import { documentedRoutes, onOneConnection, post, problemIn, serve } from './fixture.test.ts';
import { ingestRoute } from './ingest-route.ts';

const host = 'mill.example:8080';

const own: readonly (readonly [what: string, headers: IncomingHttpHeaders])[] = [
  ['a program', { host }],
  ['a program of HTTP/1.0', {}],
  ['a page of this origin', { host, 'sec-fetch-site': 'same-origin', origin: `http://${host}` }],
  ['a person who typed the address', { host, 'sec-fetch-site': 'none' }],
  ['a page of this origin in a browser that sends no Sec-Fetch-Site', { host, origin: `http://${host}` }],
  ['an origin in capitals', { host, origin: 'http://Mill.Example:8080' }],
  ['a host in capitals', { host: 'MILL.example:8080', origin: `http://${host}` }],
  ['a default port that only Host names', { host: 'mill.example:80', origin: 'http://mill.example' }],
  ['a default port that only Origin names', { host: 'mill.example', origin: 'http://mill.example:80' }],
  ['a proxy that ends TLS', { host: 'mill.example', origin: 'https://mill.example' }],
  ['a proxy that ends TLS and names its port', { host: 'mill.example:443', origin: 'https://mill.example' }],
  ['a proxy that ends TLS at a port of its own', { host: 'mill.example:8443', origin: 'https://mill.example:8443' }],
  ['an IPv6 address', { host: '[::1]:8080', origin: 'http://[0:0:0:0:0:0:0:1]:8080' }],
];

const others: readonly (readonly [what: string, headers: IncomingHttpHeaders])[] = [
  ['a page of another site', { host, 'sec-fetch-site': 'cross-site' }],
  ['a page of a sibling domain', { host, 'sec-fetch-site': 'same-site' }],
  [
    'a page of this origin, as Origin has it, that Sec-Fetch-Site denies',
    { host, 'sec-fetch-site': 'same-site', origin: `http://${host}` },
  ],
  ['a word that Sec-Fetch-Site may have one day', { host, 'sec-fetch-site': 'same-universe' }],
  ['two words in Sec-Fetch-Site', { host, 'sec-fetch-site': 'same-origin, cross-site' }],
  ['nothing in Sec-Fetch-Site', { host, 'sec-fetch-site': '' }],
  ['another host', { host, origin: 'http://other.example' }],
  ['another host at the same port', { host, origin: 'http://other.example:8080' }],
  ['another port of this host', { host, origin: 'http://mill.example:3000' }],
  ['the default port of this host', { host, origin: 'http://mill.example' }],
  ['the port of another scheme', { host: 'mill.example:80', origin: 'https://mill.example' }],
  ['a host that this one begins with', { host, origin: 'http://mill.example:80801' }],
  ['a sandboxed page or a file', { host, origin: 'null' }],
  ['an extension', { host, origin: 'chrome-extension://mill.example:8080' }],
  ['nothing in Origin', { host, origin: '' }],
  ['two origins', { host, origin: `http://${host}, http://other.example` }],
  ['an origin beside no host', { origin: 'http://undefined' }],
  ['an origin beside a host that is none', { host: 'a b', origin: 'http://mill.example' }],
  ['an origin beside an empty host', { host: '', origin: 'http://mill.example' }],
];

for (const [what, headers] of own) test(`the same origin, or none: ${what}`, () => assert.equal(isCrossOrigin(headers), false));
for (const [what, headers] of others) test(`another origin: ${what}`, () => assert.equal(isCrossOrigin(headers), true));

const foreign: readonly Record<string, string>[] = [
  { origin: 'http://other.example' },
  { 'sec-fetch-site': 'same-site' },
  { origin: 'null' },
];

function withRoutes(app: FastifyInstance): void {
  app.put('/things/:id', { schema: { summary: 'A route of a user' } }, async () => ({}));
  app.delete('/things/:id', { schema: { summary: 'Another' } }, async () => ({}));
  ingestRoute(app, '/take', {}, async ({ body }) => ({ body }));
}

test('every route that changes something refuses a page of another origin', async (t) => {
  const { url, mill } = await serve(t, { routes: withRoutes });
  const changing = (await documentedRoutes(url)).filter(({ method }) => method !== 'GET');
  assert.ok(changing.length >= 9 && changing.some(({ path }) => path === '/take') && changing.some(({ method }) => method === 'DELETE'));
  for (const { method, path } of changing) {
    for (const headers of foreign) {
      const response = await fetch(`${url}${path}`, { method, body: '{"page":"/"}', headers });
      assert.equal((await problemIn(response)).code, 'MILL_CROSS_SITE', `${method} ${path} ${JSON.stringify(headers)}`);
    }
  }
  assert.equal(mill.counts().visits?.received, 0);
});

test('the refusal names the header, its value, and what would pass', async (t) => {
  const { url } = await serve(t);
  const detailFor = async (headers: Record<string, string>) =>
    (await problemIn(await post(`${url}/pipelines/visits/events`, { page: '/' }, headers))).detail;
  const rule = 'a page may change things only on the server it was loaded from';
  assert.equal(
    await detailFor({ origin: 'http://other.example' }),
    `Origin: expected the host and port of Host ("${new URL(url).host}"), found "http://other.example"; ${rule}, and a proxy must forward Host unchanged`,
  );
  assert.equal(
    await detailFor({ 'sec-fetch-site': 'same-site', origin: url }),
    `Sec-Fetch-Site: expected same-origin or none, found "same-site"; ${rule}`,
  );
});

test('a page of another origin may read; one of this origin, or a program, may make changes', async (t) => {
  const { url, mill } = await serve(t);
  for (const headers of foreign) assert.equal((await fetch(`${url}/pipelines`, { headers })).status, 200);
  for (const headers of [{ 'sec-fetch-site': 'same-origin' }, { origin: url }, {}] as Record<string, string>[])
    assert.equal((await post(`${url}/pipelines/visits/events`, { page: '/' }, headers)).status, 202);
  assert.equal(mill.counts().visits?.received, 3);
});

test('an origin is compared with the name under which the request arrived', async (t) => {
  const { url } = await serve(t, { access: { hosts: ['mill.example'] } });
  const from = (origin: string) =>
    `POST /pipelines/visits/events HTTP/1.1\r\nHost: mill.example:8080\r\nOrigin: ${origin}\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\n{"page":"/"}`;
  const [other, same] = await onOneConnection(url, [from('http://other.example'), from('http://mill.example:8080')]);
  assert.match(other ?? '', /^HTTP\/1.1 403 /);
  assert.match(same ?? '', /^HTTP\/1.1 202 /);
});
