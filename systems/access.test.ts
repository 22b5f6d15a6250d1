import assert from 'node:assert/strict';
import test, { describe, type TestContext } from 'node:test';
import * as z from 'zod';
import type { Access, Role } from '../src/server/access/role.ts';
import { digestOf, newSecret, type Token } from '../src/server/access/token.ts';
import { Tokens } from '../src/server/access/tokens.ts';
import { exchange } from '../src/server/fixture.test.ts';
import { serveAll } from './all.fixture.test.ts';

/** The pipelines that a route concerns: one, the one in its path, all at once, or none beyond those it checks itself. */
type Deals = 'rockets' | 'events' | 'accounts' | 'messages' | 'workers' | 'path' | 'all' | 'none';

/** Every route with its requirements. Routes that exist for each pipeline appear once, with a star for the name. */
const table: Readonly<Record<string, readonly [access: Access, deals: Deals]>> = {
  'GET /': ['open', 'none'],
  'GET /page/index.html': ['open', 'none'],
  'GET /docs': ['read', 'all'],
  'GET /docs/static/swagger-ui.css': ['read', 'all'],
  'GET /openapi.json': ['read', 'all'],
  'GET /swagger': ['read', 'all'],
  'GET /health': ['open', 'none'],
  'GET /ping': ['open', 'none'],
  'GET /metrics': ['read', 'all'],
  'GET /fleet': ['read', 'all'],
  'GET /pipelines': ['read', 'none'],
  'GET /pipelines/*': ['read', 'path'],
  'GET /engine': ['read', 'none'],
  'GET /concerns': ['read', 'none'],
  'GET /live': ['read', 'none'],
  'GET /access': ['open', 'none'],
  'POST /pipelines/*/events': ['ingest', 'path'],
  'POST /pipelines/*/events/batch': ['ingest', 'path'],
  'GET /audit': ['read', 'all'],
  'GET /pipelines/*/keys': ['read', 'path'],
  'POST /pipelines/*/keys/{key}/resume': ['operate', 'path'],
  'POST /pipelines/*/keys/{key}/park': ['operate', 'path'],
  'POST /pipelines/*/keys/{key}/skip-gap': ['operate', 'path'],
  'GET /pipelines/*/keys/{key}': ['read', 'path'],
  'GET /pipelines/*/keys/{key}/timeline': ['read', 'path'],
  'GET /pipelines/*/gaps': ['read', 'path'],
  'GET /pipelines/*/schedule': ['read', 'path'],
  'POST /pipelines/*/schedule': ['operate', 'path'],
  'GET /schedules': ['read', 'none'],
  'GET /pipelines/*/timers': ['read', 'path'],
  'GET /pipelines/*/deliveries': ['read', 'path'],
  'POST /pipelines/*/keys/{key}/deliveries/{endpoint}/{id}/send': ['operate', 'path'],
  'POST /pipelines/*/keys/{key}/deliveries/{endpoint}/{id}/withdraw': ['operate', 'path'],
  'POST /pipelines/*/deliveries/{endpoint}/withdraw': ['operate', 'path'],
  'POST /pipelines/*/pause': ['operate', 'path'],
  'POST /pipelines/*/resume': ['operate', 'path'],
  'POST /pipelines/*/events/discard': ['operate', 'path'],
  'POST /pipelines/*/dead-letters/discard': ['operate', 'path'],
  'GET /dead-letters': ['read', 'all'],
  'GET /dead-letters/{id}': ['read', 'none'],
  'GET /dead-letters/groups': ['read', 'all'],
  'POST /dead-letters/redrive': ['operate', 'none'],
  'POST /dead-letters/discard': ['operate', 'none'],
  'GET /operations': ['read', 'all'],
  'GET /operations/{id}': ['read', 'none'],
  'POST /operations/{id}/undo': ['operate', 'none'],
  'POST /operations/{id}/stop': ['operate', 'none'],
  'POST /dead-letters/{id}/redrive': ['operate', 'none'],
  'POST /dead-letters/{id}/discard': ['operate', 'none'],
  'POST /messages': ['ingest', 'rockets'],
  'GET /rockets': ['read', 'rockets'],
  'GET /rockets/{id}': ['read', 'rockets'],
  'GET /rockets/{id}/history': ['read', 'rockets'],
  'POST /events': ['ingest', 'events'],
  'POST /events/batch': ['ingest', 'events'],
  'GET /events': ['read', 'events'],
  'GET /events/{id}': ['read', 'events'],
  'POST /accounts': ['ingest', 'accounts'],
  'GET /accounts': ['read', 'accounts'],
  'GET /accounts/highest': ['read', 'accounts'],
  'GET /accounts/{id}': ['read', 'accounts'],
  'GET /accounts/{id}/updates': ['read', 'accounts'],
  'POST /messages/pending': ['ingest', 'messages'],
  'GET /messages/pending': ['read', 'messages'],
  'GET /messages/sent': ['read', 'messages'],
  'GET /messages/failed': ['read', 'messages'],
  'GET /messages/{id}': ['read', 'messages'],
  'POST /scheduler': ['operate', 'messages'],
  'GET /scheduler': ['read', 'messages'],
  'POST /workers/messages': ['ingest', 'workers'],
  'GET /workers': ['read', 'workers'],
  'GET /workers/{worker}': ['read', 'workers'],
};

/** A caller: the server's knowledge of its token, if any, and its permissions. */
const callers: Readonly<Record<string, { readonly role?: Role; readonly pipelines?: readonly string[]; readonly known?: false }>> = {
  'no token': { known: false },
  'a wrong token': { known: false },
  'a revoked token': { role: 'operate', known: false },
  ingest: { role: 'ingest' },
  read: { role: 'read' },
  operate: { role: 'operate' },
  'operate, for rockets': { role: 'operate', pipelines: ['rockets'] },
  'ingest, for accounts and events': { role: 'ingest', pipelines: ['accounts', 'events'] },
};

type Caller = keyof typeof callers;

/** Returns the status that refuses a caller; undefined if the caller is admitted. */
function refusalOf(caller: Caller, [access, deals]: readonly [Access, Deals], pipeline: string): 401 | 403 | undefined {
  const { role, pipelines, known = true } = callers[caller] ?? {};
  if (access === 'open') return undefined;
  if (!known || role === undefined) return 401;
  if (role !== 'operate' && role !== access) return 403;
  if (pipelines === undefined || deals === 'none') return undefined;
  return deals !== 'all' && pipelines.includes(deals === 'path' ? pipeline : deals) ? undefined : 403;
}

/** Serves all systems with tokens; returns the header of each caller, too. */
async function serveLocked(t: TestContext) {
  const made: Token[] = [];
  const tokens = new Tokens([]);
  const headers: Record<Caller, Record<string, string>> = { 'no token': {}, 'a wrong token': { authorization: `Bearer ${newSecret()}` } };
  for (const [name, { role, pipelines }] of Object.entries(callers)) {
    if (role === undefined) continue;
    const secret = newSecret();
    made.push({ name: name.replaceAll(/\W+/g, '-'), role, digest: digestOf(secret), pipelines: pipelines && new Set(pipelines) });
    headers[name] = { authorization: `Bearer ${secret}` };
  }
  tokens.replace(made);
  const served = await serveAll(t, { access: { tokens } });
  const before = await fetch(`${served.url}/pipelines`, { headers: headers['a revoked token'] ?? {} });
  assert.equal(before.status, 200);
  tokens.replace(made.filter(({ name }) => name !== 'a-revoked-token'));
  return { ...served, headers };
}

interface Route {
  readonly method: string;
  readonly path: string;
  readonly pipeline: string;
  readonly asks: readonly [Access, Deals];
}

const Described = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) });

/** Returns every route in the API description, and those of the table that are hidden from it. Fails for a route missing from the table. */
async function allRoutes(url: string, authorization: Record<string, string>): Promise<readonly Route[]> {
  const { paths } = Described.parse(await (await fetch(`${url}/openapi.json`, { headers: authorization })).json());
  const described = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => ({ method: method.toUpperCase(), path })),
  );
  const hidden = Object.keys(table)
    .map((name) => ({ method: name.split(' ')[0] ?? '', path: name.split(' ')[1] ?? '' }))
    .filter(({ path }) => /^\/($|docs|openapi|page|swagger)/.test(path));
  const seen = new Set<string>();
  const routes = [...described, ...hidden].map(({ method, path }) => {
    const [, pipeline = ''] = /^\/pipelines\/(\w+|\{pipeline\})(?:\/|$)/.exec(path) ?? [];
    const name = `${method} ${pipeline === '' ? path : path.replace(`/pipelines/${pipeline}`, '/pipelines/*')}`;
    const asks = table[name];
    assert.ok(asks !== undefined, `${method} ${path} is not in the table`);
    seen.add(name);
    const real = pipeline === '{pipeline}' || path === '/pipelines/{pipeline}' ? 'rockets' : pipeline;
    // Its answer never ends, unless it refuses an unknown parameter.
    if (path === '/live') return { method, path: '/live?until=never', pipeline, asks };
    return { method, path: path.replace('{pipeline}', real).replaceAll(/\{.+?\}/g, '1'), pipeline: real, asks };
  });
  assert.deepEqual(
    Object.keys(table).filter((name) => !seen.has(name)),
    [],
    'routes that are no more',
  );
  return routes;
}

function assertAnswered(status: number, expected: 401 | 403 | undefined, what: string): void {
  if (expected === undefined)
    assert.ok(status !== 401 && status !== 403 && status < 500, `${what}: expected to be let in, found ${status}`);
  else assert.equal(status, expected, what);
}

/** Requests every route as every caller, all at once: answers to a wrong token are delayed. */
async function forEach(t: TestContext, ask: (route: Route, headers: Record<string, string>, url: string) => Promise<number>) {
  const { url, headers } = await serveLocked(t);
  const routes = await allRoutes(url, headers.operate ?? {});
  for (const caller of Object.keys(callers)) {
    await Promise.all(
      routes.map(async (route) => {
        const status = await ask(route, headers[caller] ?? {}, url);
        assertAnswered(status, refusalOf(caller, route.asks, route.pipeline), `${route.method} ${route.path}, ${caller}`);
      }),
    );
  }
}

const bodyOf = ({ method }: Route) => (method === 'POST' ? '{}' : null);

const ways: Readonly<Record<string, (route: Route, headers: Record<string, string>, url: string) => Promise<number>>> = {
  'with a trailing slash, and so through Fastify': async ({ method, path, ...route }, headers, url) =>
    (
      await fetch(`${url}${path.endsWith('/') ? path : `${path}/`}`, {
        method,
        headers,
        redirect: 'manual',
        body: bodyOf({ method, path, ...route }),
      })
    ).status,
  'in chunks': async ({ method, path }, headers, url) => {
    const body = method === 'POST' ? { body: new Blob(['{}']).stream(), duplex: 'half' as const } : {};
    return (await fetch(`${url}${path}`, { method, headers, redirect: 'manual', ...body })).status;
  },
  'by HTTP/1.0': async ({ method, path }, { authorization }, url) => {
    const lines = [
      `${method} ${path} HTTP/1.0`,
      ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
      'Content-Length: 2',
    ];
    return Number((await exchange(url, `${lines.join('\r\n')}\r\n\r\n{}`)).split(' ')[1]);
  },
  'by HEAD, which is like GET': async ({ method, path }, headers, url) =>
    method === 'GET' ? (await fetch(`${url}${path}`, { method: 'HEAD', headers, redirect: 'manual' })).status : Number.NaN,
};

// Answers to a wrong token are delayed, so all requests wait at the same time.
describe('each route admits exactly those who may use it', { concurrency: true }, () => {
  test('by fetch', async (t) => {
    await forEach(t, async ({ method, path, ...route }, headers, url) => {
      const answer = await fetch(`${url}${path}`, { method, headers, redirect: 'manual', body: bodyOf({ method, path, ...route }) });
      const text = await answer.text();
      const challenge = answer.headers.get('www-authenticate');
      if (answer.status === 401) assert.match(challenge ?? '', /^Bearer realm="millrace"(, error="invalid_token")?$/);
      if (answer.status === 401 || answer.status === 403) assert.equal(answer.headers.get('content-type'), 'application/problem+json');
      assert.ok(headers.authorization === undefined || !text.includes(headers.authorization.slice('Bearer '.length)), 'a secret was told');
      return answer.status;
    });
  });

  for (const [name, ask] of Object.entries(ways)) {
    test(name, (t) =>
      forEach(t, async (route, headers, url) => {
        const status = await ask(route, headers, url);
        // `inject` reports no status for HEAD on a route without it.
        return Number.isNaN(status)
          ? (await fetch(`${url}${route.path}`, { method: route.method, headers, redirect: 'manual', body: bodyOf(route) })).status
          : status;
      }),
    );
  }
});

test('only callers with a token learn that a method or path is wrong', async (t) => {
  const { url, headers } = await serveLocked(t);
  for (const [caller, { known = true }] of Object.entries(callers)) {
    for (const [method, path, status] of [
      ['PUT', '/messages', 405],
      ['OPTIONS', '/rockets', 405],
      ['PROPFIND', '/', 405],
      ['GET', '/nowhere', 404],
      ['POST', '/pipelines/rockets/nowhere', 404],
    ] as const) {
      const answer = await fetch(`${url}${path}`, { method, headers: headers[caller] ?? {} });
      assert.equal(answer.status, known ? status : 401, `${method} ${path}, ${caller}`);
    }
  }
});

test('a token for some pipelines sees only these in answers about several', async (t) => {
  const { url, headers } = await serveLocked(t);
  const own = { headers: headers['operate, for rockets'] ?? {} };
  const { items } = z.object({ items: z.array(z.object({ name: z.string() })) }).parse(await (await fetch(`${url}/pipelines`, own)).json());
  assert.deepEqual(
    items.map(({ name }) => name),
    ['rockets'],
  );
  assert.equal((await fetch(`${url}/dead-letters?pipeline=rockets`, own)).status, 200);
  assert.equal((await fetch(`${url}/dead-letters?pipeline=accounts`, own)).status, 403);
});
