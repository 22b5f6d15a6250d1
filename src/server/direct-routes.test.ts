import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { MillraceError } from '../errors.ts';
import { post, problemIn, serve } from './fixture.test.ts';
import { ingestRoute } from './ingest-route.ts';

/** A server with an ingest route that reports what it received, or throws on request; and the way the last request took. */
async function serveBoth(t: Parameters<typeof serve>[0], hook?: (app: FastifyInstance) => unknown) {
  const seen: { way: 'short' | 'long' | undefined } = { way: undefined };
  const served = await serve(t, {
    routes(app) {
      hook?.(app);
      ingestRoute(app, '/take', {}, async ({ body, headers, rawBody }) => {
        seen.way = new Error('here').stack?.includes('direct-routes.ts') ? 'short' : 'long';
        if (body === 'full') throw new MillraceError('MILL_BACKLOG_FULL', 'full', { retryAfterMs: 3_000 });
        if (body === 'broken') throw new Error('a secret');
        return { body, trace: headers.traceparent ?? 'ünknown', raw: rawBody.toString('base64') };
      });
    },
  });
  return { ...served, seen };
}

/** Returns the comparable part of an answer: all but its date and the state of the connection. */
async function told(response: Response) {
  const headers = Object.fromEntries(response.headers);
  for (const name of ['date', 'connection', 'keep-alive']) delete headers[name];
  return { status: response.status, headers, body: await response.text() };
}

const bodies: readonly (readonly [what: string, body: string, headers?: Record<string, string>])[] = [
  ['an object', '{"a":[1,"ü"]}'],
  ['spaces, and a byte order mark', '\ufeff{ "a" : 1.0 }\n'],
  ['a text of many bytes', JSON.stringify('ü'.repeat(100_000))],
  ['another content type', '1', { 'content-type': 'text/plain' }],
  ['a trace', '1', { traceparent: '00-11112222333344445555666677778888-1111222233334444-01' }],
  ['no JSON', '{"a":'],
  ['null', 'null'],
  ['a key __proto__', '{"__proto__":1}'],
  ['deep nesting', '['.repeat(501) + ']'.repeat(501)],
  ['a refusal', '"full"'],
  ['an unexpected error', '"broken"'],
];

for (const [what, body, headers] of bodies) {
  test(`the direct way gives the same answer as Fastify: ${what}`, async (t) => {
    const { url, seen } = await serveBoth(t);
    const short = await told(await post(`${url}/take`, body, headers));
    assert.notEqual(seen.way, 'long');
    seen.way = undefined;
    // This differs from the registered path.
    const long = await told(await post(`${url}/take/`, body, headers));
    assert.notEqual(seen.way, 'short');
    assert.deepEqual(short, long);
    assert.equal(short.headers['x-content-type-options'], 'nosniff');
  });
}

test('in both ways a route sees the original bytes of a body, to check a signature', async (t) => {
  const { url } = await serveBoth(t);
  const body = '\ufeff{ "a" : "ü", "b" : 1.0 }\n';
  for (const path of ['/take', '/take/']) {
    const { raw } = JSON.parse(await (await post(`${url}${path}`, body)).text());
    assert.equal(Buffer.from(raw, 'base64').toString(), body, path);
  }
});

test('any request that is not plain goes through Fastify', async (t) => {
  const { url, seen } = await serveBoth(t);
  const stream = () => new Blob(['1']).stream();
  const others: readonly (readonly [path: string, request: RequestInit & { duplex?: 'half' }, status: number])[] = [
    ['/take?', { method: 'POST', body: '1' }, 202],
    ['/take?x=1', { method: 'POST', body: '1' }, 400],
    ['/take', { method: 'POST', body: stream(), duplex: 'half' }, 202],
    ['/take', { method: 'POST', body: '1', headers: { 'sec-fetch-site': 'cross-site' } }, 403],
    ['/take', { method: 'POST', body: JSON.stringify('x'.repeat(1024 * 1024)) }, 413],
    ['/take', { method: 'PUT', body: '1' }, 405],
  ];
  for (const [path, request, status] of others) {
    seen.way = undefined;
    assert.equal((await fetch(`${url}${path}`, request)).status, status, `${path} ${status}`);
    assert.equal(seen.way, status === 202 ? 'long' : undefined);
  }
  await post(`${url}/take`, 1);
  assert.equal(seen.way, 'short');
});

/** Everything that may inspect a request in an embedder's scope, added before or after the route. */
const hooks: Readonly<Record<string, (app: FastifyInstance) => void>> = {
  onRequest: (app) => app.addHook('onRequest', keepOut),
  preParsing: (app) => app.addHook('preParsing', keepOut),
  preValidation: (app) => app.addHook('preValidation', keepOut),
  preHandler: (app) => app.addHook('preHandler', keepOut),
  'onRequest in a plugin that breaks its encapsulation': (app) =>
    app.register(
      Object.assign(async (scope: FastifyInstance) => scope.addHook('onRequest', keepOut), { [Symbol.for('skip-override')]: true }),
    ),
  'a hook that onRoute puts into the options': (app) =>
    app.addHook('onRoute', (route) => {
      route.onRequest = keepOut;
    }),
};

const keepOut = async () => {
  throw new MillraceError('MILL_CONFLICT', 'kept out');
};

for (const [name, hook] of Object.entries(hooks)) {
  test(`an embedder’s hook runs for ingest routes: ${name}`, async (t) => {
    const { url, seen, mill } = await serveBoth(t, hook);
    const { detail } = await problemIn(await post(`${url}/take`, 1));
    assert.deepEqual([detail, seen.way], ['kept out', undefined]);
    // The server's own routes are unaffected.
    await post(`${url}/pipelines/visits/events`, { page: 'a' });
    assert.equal(mill.counts().visits?.received, 1);
  });
}

/** Changes a route through its options, which only `onRoute` hooks can set. */
const byOptions = (options: Partial<RouteOptions>) => (app: FastifyInstance) =>
  app.addHook('onRoute', (route) => {
    if (route.url === '/take') Object.assign(route, options);
  });

/** Ways to change the handling of a request to `/take` without a request hook, each with a pattern for the answer. */
const changes: Readonly<Record<string, readonly [change: (app: FastifyInstance) => unknown, answer: RegExp, body?: string]>> = {
  'another handler around the route’s': [
    (app) =>
      app.addHook('onRoute', (route) => {
        route.handler = keepOut;
      }),
    /kept out/,
  ],
  'a body parser': [
    (app) => {
      app.removeAllContentTypeParsers();
      app.addContentTypeParser('application/json', keepOut);
    },
    /kept out/,
  ],
  'a missing body parser': [(app) => app.removeAllContentTypeParsers(), /415/],
  'a validator compiler': [(app) => app.setValidatorCompiler(() => () => ({ error: new Error('not valid') })), /not valid/],
  'a validator for the route': [byOptions({ validatorCompiler: () => () => ({ error: new Error('not valid') }) }), /not valid/],
  'a serializer': [(app) => app.setReplySerializer(() => 'as I say'), /as I say/],
  'a serializer compiler': [
    (app) => {
      app.setSerializerCompiler(() => () => 'as I say');
      byOptions({ schema: { body: {}, response: { 202: {} } } })(app);
    },
    /as I say/,
  ],
  'a serializer for the route': [
    byOptions({ schema: { body: {}, response: { 202: {} } }, serializerCompiler: () => () => 'as I say' }),
    /as I say/,
  ],
  'a limit for its body': [byOptions({ bodyLimit: 2 }), /MILL_BODY_TOO_LARGE/, '1000'],
  'a host constraint': [byOptions({ constraints: { host: 'elsewhere.example' } }), /MILL_NOT_FOUND/],
  'a version constraint on another route': [(app) => app.post('/take', { constraints: { version: '1.0.0' } }, keepOut), /kept out/],
  'a custom constraint': [
    (app) => {
      app.addConstraintStrategy({
        name: 'asked',
        storage: () => ({ get: () => null, set: () => undefined }),
        deriveConstraint: () => 'yes',
        mustMatchWhenDerived: true,
        validate: () => undefined,
      });
      app.post('/other', { constraints: { asked: 'yes' } }, keepOut);
    },
    /MILL_NOT_FOUND/,
  ],
  'an optional body': [byOptions({ schema: {} }), /"body":null/, 'null'],
  'bodies of one media type': [byOptions({ schema: { body: { content: { 'text/csv': { schema: {} } } } } }), /"body":null/, 'null'],
  'a check left to the handler': [byOptions({ attachValidation: true }), /"body":null/, 'null'],
  'an error handler for the route': [byOptions({ errorHandler: (_error, _request, reply) => reply.send('told') }), /told/, '"full"'],
  'numbers that are left to the engine': [
    byOptions({ config: { inexactNumbers: 'by event' } }),
    /"body":\{"events"/,
    '{"events":[{"number":12345678901234567890}]}',
  ],
};

for (const [name, [change, answer, body = '1']] of Object.entries(changes)) {
  test(`an embedder’s change to a route applies to plain requests: ${name}`, async (t) => {
    const { url } = await serveBoth(t, change);
    const headers = { 'accept-version': '1.0.0' };
    const plain = await told(await post(`${url}/take`, body, headers));
    const long = await told(await post(`${url}/take?`, body, headers));
    assert.deepEqual(plain, long);
    assert.match(`${plain.status} ${plain.body}`, answer);
  });
}

test('an embedder’s route with the path of a generic one takes its requests', async (t) => {
  const { url, mill } = await serve(t, {
    routes(app) {
      app.post('/pipelines/visits/events', keepOut);
      app.post('/pipelines/numbered/:what/batch', keepOut);
    },
  });
  for (const path of ['visits/events', 'numbered/events/batch'])
    assert.equal((await problemIn(await post(`${url}/pipelines/${path}`, { page: 'a' }))).detail, 'kept out', path);
  assert.equal(mill.counts().visits?.received, 0);
});

test('a hook added after the route, or in a scope above it, runs for it', async (t) => {
  const { url } = await serve(t, {
    routes(app) {
      ingestRoute(app, '/before', {}, async () => ({}));
      app.register(async (scope) => ingestRoute(scope, '/within', {}, async () => ({})), { prefix: '/deep' });
      app.addHook('preHandler', keepOut);
    },
  });
  for (const path of ['/before', '/deep/within']) assert.equal((await problemIn(await post(`${url}${path}`, 1))).detail, 'kept out', path);
});

test('an answer changed by a hook or an error handler is changed for ingest routes too', async (t) => {
  const { url } = await serve(t, {
    routes(app) {
      app.register(async (scope) => {
        scope.addHook('onSend', async (_request, reply) => void reply.header('x-told', 'yes'));
        ingestRoute(scope, '/told', {}, async () => ({}));
      });
      app.register(async (scope) => {
        scope.setErrorHandler((_error, _request, reply) => reply.code(418).send({ teapot: true }));
        ingestRoute(scope, '/failing', {}, async () => {
          throw new Error('no');
        });
      });
    },
  });
  assert.equal((await post(`${url}/told`, 1)).headers.get('x-told'), 'yes');
  assert.equal((await post(`${url}/failing`, 1)).status, 418);
});

test('a hook in one scope leaves the direct way open to routes in others', async (t) => {
  const ways: (string | undefined)[] = [];
  const { url } = await serve(t, {
    routes(app) {
      app.register(async (scope) => scope.addHook('onRequest', keepOut));
      ingestRoute(app, '/free', {}, async () => {
        ways.push(new Error('here').stack?.includes('direct-routes.ts') ? 'short' : 'long');
        return {};
      });
    },
  });
  assert.equal((await post(`${url}/free`, 1)).status, 202);
  assert.deepEqual(ways, ['short']);
});

test('a stop waits for requests handled directly', async (t) => {
  const entered = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const { url, server, mill } = await serve(t, {
    routes(app, mill) {
      ingestRoute(app, '/slow', {}, async ({ body }) => {
        entered.resolve();
        await release.promise;
        return mill.ingest('visits', body);
      });
    },
  });
  const answer = post(`${url}/slow`, { page: 'slow' });
  await entered.promise;
  const stopped = server.stop(10_000);
  assert.equal((await post(`${url}/slow`, { page: 'late' })).status, 503);
  release.resolve();
  assert.equal((await answer).status, 202);
  await stopped;
  assert.equal(mill.counts().visits?.processed, 1);
});

test('if take returns something not sent as JSON, both ways refuse it by name', async (t) => {
  const answers: Readonly<Record<string, () => unknown>> = {
    nothing: () => undefined,
    null: () => null,
    text: () => 'text',
    number: () => 7,
    bytes: () => Buffer.from('bytes'),
    stream: () => Readable.from(['stream']),
    pieces: () => new Blob(['pieces']).stream(),
    response: () => new Response('text'),
  };
  const { url } = await serve(t, {
    routes(app) {
      ingestRoute(app, '/take', {}, async ({ body }) => answers[String(body)]?.() as object);
      ingestRoute(app, '/list', {}, async () => [1]);
    },
  });
  for (const name of Object.keys(answers)) {
    for (const path of ['/take', '/take/']) {
      const { code, detail } = await problemIn(await post(`${url}${path}`, JSON.stringify(name)));
      assert.equal(code, 'MILL_INVALID_DECLARATION');
      assert.match(detail, /^ingestRoute: take\(\): expected an object that is sent as JSON, found /, name);
    }
  }
  for (const path of ['/list', '/list/']) assert.equal(await (await post(`${url}${path}`, 1)).text(), '[1]');
});

test('an error that throws when read is answered like any unexpected error, and does no harm', async (t) => {
  const refuse = () => {
    throw new Error('a secret');
  };
  const { url } = await serve(t, {
    routes: (app) =>
      ingestRoute(app, '/take', {}, async () => {
        throw new Proxy({}, { has: refuse, get: refuse, getPrototypeOf: refuse });
      }),
  });
  for (let request = 1; request <= 2; request += 1) {
    const problem = await problemIn(await post(`${url}/take`, {}));
    assert.equal(problem.code, 'MILL_INTERNAL');
    assert.ok(!JSON.stringify(problem).includes('a secret'));
  }
});
