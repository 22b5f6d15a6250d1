import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createSocketServer, type Server } from 'node:net';
import test, { type TestContext } from 'node:test';
import { findRockets } from './find-rockets.ts';

async function listen(context: TestContext, server: Server): Promise<URL> {
  server.listen(0, '127.0.0.1');
  context.after(() => server.close());
  await once(server, 'listening');
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/messages`);
}

const http = (context: TestContext, listener: RequestListener) => listen(context, createServer(listener));
const answer =
  (status: number, text: string): RequestListener =>
  (_request, response) =>
    response.writeHead(status).end(text);

async function closedPort(context: TestContext): Promise<URL> {
  const server = createServer();
  const url = await listen(context, server);
  server.close();
  await once(server, 'close');
  return url;
}

test('the first server with rockets is found, behind closed ports and other servers', async (context) => {
  const rockets = await http(context, (request, response) => {
    assert.equal(request.url, '/rockets?limit=1');
    response.end('{"count":0,"rockets":[]}');
  });
  const urls = [await closedPort(context), await http(context, answer(404, '{}')), rockets, await http(context, answer(200, '{}'))];
  assert.equal(await findRockets(urls), rockets);
});

test('a temporarily failing server is not given up', async (context) => {
  const url = await http(context, answer(503, 'starting'));
  assert.equal(await findRockets([url]), url);
});

const withoutRockets: readonly [string, (context: TestContext) => Promise<URL>, RegExp][] = [
  ['where nobody listens', closedPort, /does not answer: nothing listens there/],
  [
    'localhost, with two addresses',
    async (context) => new URL(`http://localhost:${(await closedPort(context)).port}`),
    /nothing listens there/,
  ],
  ['an unknown path', (context) => http(context, answer(404, '{}')), /answers 404 for \/rockets/],
  ['a redirect', (context) => http(context, answer(301, '')), /answers 301 for \/rockets/],
  ['a page', (context) => http(context, answer(200, '<html>')), /answers something other than rockets/],
  ['a list', (context) => http(context, answer(200, '[]')), /answers something other than rockets/],
  [
    'https:// for an http:// server',
    async (context) => new URL(`https://127.0.0.1:${(await http(context, answer(200, '{}'))).port}`),
    /does not speak https \(.+\); is it http:\/\/, or another kind of server\?/,
  ],
  [
    'a server that hangs up',
    (context) =>
      listen(
        context,
        createSocketServer((socket) => socket.destroy()),
      ),
    /does not speak http \(.+\); is it https:\/\/, or another kind of server\?/,
  ],
  [
    'a server with another protocol',
    (context) =>
      listen(
        context,
        createSocketServer((socket) => socket.end('220 mail.example ESMTP\r\n')),
      ),
    /does not speak http \(.+\); is it https:\/\/, or another kind of server\?/,
  ],
  ['a host that does not resolve', async () => new URL('http://rockets.invalid'), /does not answer: unknown host/],
];

for (const [name, make, problem] of withoutRockets) {
  test(`errors are reported at once, with a remedy: ${name}`, async (context) => {
    const url = await make(context);
    await assert.rejects(findRockets([url]), ({ message }: Error) => {
      assert.ok(message.startsWith(`found no rockets: ${url.origin} `), message);
      assert.match(message, problem);
      assert.match(message, /; start them with millrace serve rockets, or pass their URL: millrace simulate rockets http:\/\/HOST:PORT$/);
      return true;
    });
  });
}
