import assert from 'node:assert/strict';
import { once } from 'node:events';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { temporaryFolder } from '../../../test/program.ts';
import { sqlite } from '../../store/sqlite/sqlite-store.ts';
import { exchange, post, problemIn, serve, visits } from '../fixture.test.ts';
import { httpLimits } from '../http-limits.ts';
import { ingestRoute } from '../ingest-route.ts';
import { digestOf, lineOf, newSecret, type Token } from './token.ts';
import { followTokens, Tokens, tokensIn } from './tokens.ts';

const made = (name: string, role: Token['role'], pipelines?: readonly string[]) => {
  const secret = newSecret();
  const token: Token = { name, role, digest: digestOf(secret), pipelines: pipelines && new Set(pipelines) };
  return { secret, token, headers: { authorization: `Bearer ${secret}` } };
};

/** Sends a request and returns the head of its answer; the connection stays open until the test ends. */
async function keptOpen(t: TestContext, url: string, request: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  t.after(() => socket.destroy());
  socket.write(request);
  const [answer] = await once(socket, 'data');
  return String(answer);
}

/** A log that keeps its lines, and reports each one. */
function keptLog() {
  const lines: string[] = [];
  const waiting = new Map<string, () => void>();
  const write = (line: string) => {
    lines.push(line);
    for (const [text, resolve] of waiting) if (line.includes(text)) resolve();
  };
  const said = (text: string) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (lines.some((line) => line.includes(text))) resolve();
    else waiting.set(text, resolve);
    return promise;
  };
  return { log: pino({ level: 'trace' }, { write }), lines, said };
}

test('a caller without a token learns which scheme is required, and one with an insufficient token what it lacks', async (t) => {
  const reader = made('grafana', 'read');
  const { url } = await serve(t, { access: { tokens: new Tokens([reader.token]) } });
  const none = await fetch(`${url}/pipelines`);
  assert.equal(none.headers.get('www-authenticate'), 'Bearer realm="millrace"');
  assert.equal((await problemIn(none)).code, 'MILL_UNAUTHORIZED');
  const wrong = await fetch(`${url}/pipelines`, { headers: { authorization: `Bearer ${newSecret()}` } });
  assert.equal(wrong.headers.get('www-authenticate'), 'Bearer realm="millrace", error="invalid_token"');
  const refused = await post(`${url}/dead-letters/1/redrive`, '', reader.headers);
  assert.equal(refused.headers.get('www-authenticate'), 'Bearer realm="millrace", error="insufficient_scope"');
  const { code, detail } = await problemIn(refused);
  assert.deepEqual([code, detail], ['MILL_FORBIDDEN', 'the token grafana may read; POST /dead-letters/:id/redrive needs operate']);
});

test('a token is taken only from the header, whatever the case of its scheme', async (t) => {
  const { secret, token } = made('a', 'operate');
  const { url } = await serve(t, { access: { tokens: new Tokens([token]) } });
  const statusFor = async (authorization: string) => (await fetch(`${url}/pipelines`, { headers: { authorization } })).status;
  for (const good of [`Bearer ${secret}`, `bearer ${secret}`, `BEARER  ${secret}`]) assert.equal(await statusFor(good), 200, good);
  const basic = Buffer.from(`a:${secret}`).toString('base64');
  for (const bad of [
    secret,
    `Basic ${basic}`,
    `Bearer ${secret}x`,
    `Bearer ${secret.slice(1)}`,
    `Bearer${secret}`,
    'Bearer',
    'Bearer ',
    `Bearer ${secret} x`,
  ])
    assert.equal(await statusFor(bad), 401, bad);
  for (const path of [`/pipelines?access_token=${secret}`, `/pipelines?token=${secret}`])
    assert.equal((await fetch(`${url}${path}`)).status, 401);
  assert.equal(
    (await fetch(`${url.replace('//', `//a:${secret}@`).replace('http:', 'http:')}/pipelines`).catch(() => ({ status: 401 }))).status,
    401,
  );
});

test('a direct route has the same requirements as through Fastify', async (t) => {
  const own = made('own', 'ingest', ['visits']);
  const other = made('other', 'ingest', ['numbered']);
  const { url, mill } = await serve(t, { access: { tokens: new Tokens([own.token, other.token]) } });
  const visit = (headers?: Record<string, string>) => post(`${url}/pipelines/visits/events`, { page: 'a' }, headers);
  assert.deepEqual([(await visit()).status, (await visit(other.headers)).status, (await visit(own.headers)).status], [401, 403, 202]);
  assert.equal(mill.counts().visits?.received, 1);
});

test('a token for some pipelines opens no route of a system without pipelines, unless the route concerns none', async (t) => {
  const [limited, sender, reader] = [made('a', 'operate', ['visits']), made('b', 'ingest', ['visits']), made('c', 'operate')];
  const { url } = await serve(t, {
    access: { tokens: new Tokens([limited.token, sender.token, reader.token]) },
    systemPipelines: [],
    routes(app) {
      app.get('/sums', () => ({}));
      app.get('/sums/:pipeline', () => ({}));
      app.get('/version', { config: { pipelines: [] } }, () => ({}));
      app.get('/visits', { config: { pipelines: ['visits'] } }, () => ({}));
      ingestRoute(app, '/take', {}, async () => ({}));
    },
  });
  const statuses = ({ headers }: typeof limited) =>
    Promise.all([
      ...['/sums', '/sums/visits', '/version', '/visits'].map(async (path) => (await fetch(`${url}${path}`, { headers })).status),
      ...['/take', '/take/'].map(async (path) => (await post(`${url}${path}`, 1, headers)).status),
    ]);
  assert.deepEqual(await statuses(limited), [403, 403, 200, 200, 403, 403]);
  assert.deepEqual(await statuses(sender), [403, 403, 403, 403, 403, 403]);
  assert.deepEqual(await statuses(reader), [200, 200, 200, 200, 202, 202]);
});

const misread: readonly (readonly [config: object, message: string])[] = [
  [{ access: 'reed' }, 'access: expected ingest, read, operate, open (did you mean read?), found "reed"'],
  [{ access: null }, 'access: expected ingest, read, operate, open, found null'],
  [{ pipelines: ['visit'] }, 'pipelines[0]: expected visits, numbered (did you mean visits?), found "visit"'],
  [{ pipelines: 'visits' }, `pipelines: expected an array of names, or 'all', found "visits"`],
];

for (const [config, message] of misread) {
  test(`a server does not start with a route that nobody could use: ${message}`, async (t) => {
    const routes = (app: FastifyInstance) => void app.get('/odd', { config }, () => ({}));
    const refused = { code: 'MILL_INVALID_DECLARATION', message: `route GET /odd: config.${message}` };
    await assert.rejects(serve(t, { routes }), refused);
  });
}

test('wrong tokens from an address are answered ten times a second, on however many connections, and the right one never waits', {
  timeout: 60_000,
}, async (t) => {
  const { token, headers } = made('a', 'read');
  const { log, lines } = keptLog();
  const { url } = await serve(t, { log, access: { tokens: new Tokens([token]) } });
  const startedAt = performance.now();
  const wrong = Array.from({ length: 300 }, async (_, index) => {
    const secret = newSecret();
    const path = index % 2 === 0 ? '/pipelines' : '/health';
    const answer = fetch(`${url}${path}`, { headers: { authorization: `Bearer ${secret}` } });
    const status = await answer.then(
      ({ status }) => status,
      () => 'closed',
    );
    return { secret, path, status, afterMs: performance.now() - startedAt };
  });
  await Promise.race(wrong);
  assert.equal((await fetch(`${url}/pipelines`, { headers })).status, 200);
  const rightAfterMs = performance.now() - startedAt;
  const told = await Promise.all(wrong);
  const answered = told.filter(({ status }) => status !== 'closed');
  for (const { path, status } of answered) assert.equal(status, path === '/health' ? 200 : 401);
  assert.ok(answered.length >= 100 && answered.length < told.length, `${answered.length} were answered`);
  assert.ok(answered.filter(({ afterMs }) => afterMs > rightAfterMs).length >= 20, 'the right one waited with the wrong ones');
  const afterMs = answered.map((one) => one.afterMs).toSorted((one, other) => one - other);
  for (const [index, ms] of afterMs.entries()) assert.ok(ms >= (index - 11) * 100, `${index + 1} answers within ${ms} ms`);
  const said = lines.filter((line) => line.includes('unknown token'));
  assert.equal(said.length, 1);
  assert.ok(said[0]?.includes('127.0.0.1'));
  for (const { secret } of told) assert.ok(!lines.join('').includes(secret));
});

test('no secret is revealed: not by the most detailed log, errors, metrics or the API description', async (t) => {
  const { secret, token, headers } = made('a', 'operate');
  const { log, lines } = keptLog();
  const { url } = await serve(t, {
    log,
    access: { tokens: new Tokens([token]) },
    routes(app) {
      app.get('/broken', async () => {
        throw new Error('no');
      });
      ingestRoute(app, '/failing', {}, async () => {
        throw new Error('no');
      });
    },
  });
  const told: string[] = [];
  for (const path of ['/broken', '/nowhere', '/', '/metrics?format=prometheus', '/openapi.json', '/docs', '/health'])
    told.push(await (await fetch(`${url}${path}`, { headers })).text());
  // Some clients that cannot set a header put the token here. Only the answer says that there is no such parameter; nothing is logged.
  for (const path of ['/broken', '/nowhere', '/%', '/ping', '/failing'])
    for (const method of ['GET', 'POST']) await fetch(`${url}${path}?access_token=${secret}`, { method, headers });
  assert.ok(lines.some((line) => line.includes('request failed') && line.includes('"path":"/broken"')));
  told.push(
    await (await post(`${url}/failing`, 1, headers)).text(),
    await (await post(`${url}/pipelines/visits/events`, '{', headers)).text(),
  );
  assert.ok(lines.some((line) => line.includes('/broken')) && lines.some((line) => line.includes('/failing')));
  const digest = token.digest.toString('hex');
  for (const text of [...told, ...lines]) assert.ok(!text.includes(secret) && !text.includes(digest), text.slice(0, 200));
});

test('metrics need no token if so configured, and everything else does', async (t) => {
  const { url } = await serve(t, { access: { tokens: new Tokens([made('a', 'read').token]), hasOpenMetrics: true } });
  const statuses = await Promise.all(
    ['/metrics', '/health', '/ping', '/pipelines', '/docs'].map(async (path) => (await fetch(`${url}${path}`)).status),
  );
  assert.deepEqual(statuses, [200, 200, 200, 401, 401]);
  assert.match(await (await fetch(`${url}/metrics?format=prometheus`)).text(), /^millrace_refused_requests_total\{reason="missing"\} 2$/m);
});

test('anybody may ask whether work makes progress, but only those who may read everything learn what is waiting', async (t) => {
  const [reader, limited, sender] = [made('a', 'read'), made('b', 'read', ['visits']), made('c', 'ingest')];
  const { url, mill } = await serve(t, { access: { tokens: new Tokens([reader.token, limited.token, sender.token]) } });
  const health = async (headers: Record<string, string> = {}) => (await fetch(`${url}/health`, { headers })).json();
  const plain = { status: 'ok', service: 'millrace' };
  const wrong = { authorization: `Bearer ${newSecret()}` };
  for (const headers of [{}, wrong, limited.headers, sender.headers]) assert.deepEqual(await health(headers), plain);
  const shown = await health(reader.headers);
  assert.ok(typeof shown === 'object' && shown !== null && 'depth' in shown && 'version' in shown);
  assert.deepEqual((await serve(t).then(async (open) => (await fetch(`${open.url}/health`)).json())) as object, shown);
  await mill.stop();
  const stopped = await fetch(`${url}/health`);
  assert.equal(stopped.status, 503);
  assert.deepEqual(Object.keys((await stopped.json()) as object), ['status', 'service', 'reason']);
});

test('only those who may read everything learn from a failing store where the database is and which pipelines exist', async (t) => {
  const path = join(temporaryFolder(t), 'secret-place.db');
  const [reader, limited, sender] = [made('a', 'read'), made('b', 'operate', ['visits']), made('c', 'ingest')];
  const tokens = new Tokens([reader.token, limited.token, sender.token]);
  const { url } = await serve(t, { store: sqlite(path, { busyTimeoutMs: 1 }), access: { tokens } });
  const other = new DatabaseSync(path);
  t.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  for (const { headers } of [limited, sender]) {
    for (const end of ['', '/', '/batch', '/batch/']) {
      const body = end.startsWith('/b') ? { events: [{ page: 'a' }] } : { page: 'a' };
      const problem = await problemIn(await post(`${url}/pipelines/visits/events${end}`, body, headers));
      assert.equal(problem.code, 'MILL_STORE_BUSY', end);
      assert.ok(!JSON.stringify(problem).includes('secret-place'), JSON.stringify(problem));
    }
  }
  const health = async (headers: Record<string, string> = {}) => {
    const answer = await fetch(`${url}/health`, { headers });
    assert.equal(answer.status, 503);
    return JSON.parse(await answer.text()).reason;
  };
  assert.match(await health(reader.headers), /secret-place\.db: another program has locked the database/);
  const plain = 'work makes no progress; the log says why, as does this route for a token that may read everything';
  for (const headers of [{}, limited.headers, sender.headers]) assert.equal(await health(headers), plain);
  other.exec('COMMIT');
});

test('a token file is reread when it changes or is replaced, and the old tokens stay if it cannot be read', {
  timeout: 60_000,
}, async (t) => {
  const [first, second, third] = [made('first', 'read'), made('second', 'read'), made('third', 'read')];
  const path = join(temporaryFolder(t), 'tokens');
  writeFileSync(path, `${lineOf(first.token)}\n`);
  const { log, said } = keptLog();
  const { url } = await serve(t, { access: { tokens: followTokens(path, 'the file', log) } });
  const statuses = () =>
    Promise.all([first, second, third].map(async ({ headers }) => (await fetch(`${url}/pipelines`, { headers })).status));
  assert.deepEqual(await statuses(), [200, 401, 401]);
  writeFileSync(path, `${lineOf(first.token)}\n${lineOf(second.token)}\n`);
  await said('"tokens":["first","second"]');
  assert.deepEqual(await statuses(), [200, 200, 401]);
  writeFileSync(`${path}.new`, lineOf(third.token));
  renameSync(`${path}.new`, path);
  await said('"tokens":["third"]');
  assert.deepEqual(await statuses(), [401, 401, 200]);
  writeFileSync(path, '');
  await said('expected at least one token');
  assert.deepEqual(await statuses(), [401, 401, 200]);
  writeFileSync(path, 'nonsense');
  await said('expected NAME:ROLE:SHA256');
  rmSync(path);
  await said('ENOENT');
  assert.deepEqual(await statuses(), [401, 401, 200]);
});

test('a token for a pipeline that is not served is a warning with the nearest name, at the start and later', async (t) => {
  const tokens = new Tokens([made('dash', 'read', ['visits', 'visit']).token, made('all', 'read').token]);
  const { log, lines } = keptLog();
  await serve(t, { log, access: { tokens } });
  const warned = () => lines.filter((line) => line.includes('a token covers a pipeline')).map((line) => JSON.parse(line));
  const said = ({ token, pipeline, msg }: Record<string, unknown>) => [token, pipeline, msg];
  const message = 'a token covers a pipeline that is not served;';
  assert.deepEqual(warned().map(said), [['dash', 'visit', `${message} did you mean visits?`]]);
  tokens.replace([made('shop', 'ingest', ['orders']).token]);
  assert.deepEqual(warned().slice(1).map(said), [['shop', 'orders', `${message} this server has visits, numbered`]]);
});

test('without tokens it listens only on loopback addresses, unless told to be open', async (t) => {
  const { server } = await serve(t, {});
  for (const host of ['0.0.0.0', '::', '192.0.2.1']) {
    await assert.rejects(server.listen({ host, port: 0 }), (error: Error) => error.message.startsWith(`${host} is not a loopback address`));
  }
  for (const access of [{ isOpen: true }, { tokens: tokensIn(lineOf(made('a', 'read').token), 'x') }]) {
    const { url } = await serve(t, { access, host: '0.0.0.0' });
    assert.equal((await fetch(`${url.replace('0.0.0.0', '127.0.0.1')}/ping`)).status, 200);
  }
});

test('when places are short, only connections of callers with a token are kept', async (t) => {
  const { headers, token } = made('a', 'read');
  const { url } = await serve(t, { access: { tokens: new Tokens([token]) }, http: { ...httpLimits, connections: 8 } });
  const authorization = `Authorization: ${headers.authorization}\r\n`;
  const ask = (path: string, header = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${header}\r\n`;
  const idle = await Promise.all(Array.from({ length: 4 }, () => keptOpen(t, url, ask('/ping'))));
  for (const answer of idle) assert.match(answer, /^connection: keep-alive\r$/im);
  for (const path of ['/ping', '/health', '/pipelines', '/nowhere'])
    assert.match(await exchange(url, ask(path)), /^connection: close\r$/im, path);
  const answer = await keptOpen(t, url, ask('/pipelines', authorization));
  assert.match(answer, /^HTTP\/1.1 200 /);
  assert.match(answer, /^connection: keep-alive\r$/im);
});

test('a page that points its own name at the server reads nothing and changes nothing', async (t) => {
  const { url, mill } = await serve(t);
  const from = (line: string, body = '') =>
    exchange(
      url,
      `${line} HTTP/1.1\r\nHost: evil.example\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  for (const answer of [
    await from('GET /pipelines'),
    await from('GET /health'),
    await from('POST /pipelines/visits/events', '{"page":"/"}'),
  ])
    assert.match(answer, /^HTTP\/1.1 421 (.|\n|\r)*MILL_UNKNOWN_HOST/);
  assert.equal(mill.counts().visits?.received, 0);
});

test('every answer has the security headers: direct, through Fastify, refused, not found, or not HTTP at all', async (t) => {
  const { url } = await serve(t, { pipelines: [visits] });
  const head = (answer: string) => answer.split('\r\n\r\n')[0]?.toLowerCase() ?? '';
  const ask = (line: string, body = '') =>
    exchange(url, `${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  const answers = [
    await ask('POST /pipelines/visits/events', '{"page":"/"}'),
    await ask('POST /pipelines/visits/events', '{'),
    await ask('POST /pipelines/visits/events?', '{"page":"/"}'),
    ...(await Promise.all(
      ['/', '/ping', '/docs', '/docs/static/swagger-ui.css', '/openapi.json', '/nowhere', '/%', '/metrics'].map((path) =>
        ask(`GET ${path}`),
      ),
    )),
    await exchange(url, 'garbage\r\n\r\n'),
    ...(await Promise.all(
      ['GET /ping', 'POST /pipelines/visits/events'].map((line) => exchange(url, `${line} HTTP/1.1\r\nContent-Length: 1\r\n\r\n1`)),
    )),
    await exchange(url, 'GET /ping HTTP/1.1\r\nHost: x\r\nExpect: a miracle\r\nConnection: close\r\n\r\n'),
  ];
  assert.deepEqual(
    answers.slice(-4).map((answer) => answer.split(' ')[1]),
    ['400', '400', '400', '417'],
  );
  for (const answer of answers) {
    for (const line of [
      'x-content-type-options: nosniff',
      'referrer-policy: no-referrer',
      'x-frame-options: deny',
      "content-security-policy: default-src 'none'",
    ])
      assert.ok(head(answer).includes(line), `${line} is not in ${head(answer)}`);
    assert.doesNotMatch(head(answer), /unsafe-/);
  }
});

test('a token for some pipelines redrives and discards their dead letters, with a body or without', async (t) => {
  const operator = made('o', 'operate', ['visits']);
  const { url, mill } = await serve(t, { access: { tokens: new Tokens([operator.token]) } });
  for (const n of [1, 2, 3, 4]) await mill.ingest('visits', { page: `poison-${n}` });
  await mill.idle(10_000);
  const letters = await mill.deadLetters({ limit: 10 });
  assert.equal(letters.length, 4);
  for (const [at, { id }] of letters.entries()) {
    const action = at < 2 ? 'redrive' : 'discard';
    const answer = await post(`${url}/dead-letters/${id}/${action}`, at % 2 === 0 ? '{}' : '', operator.headers);
    assert.deepEqual([action, answer.status], [action, 200]);
  }
});
