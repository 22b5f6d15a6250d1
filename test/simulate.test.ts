import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import test from 'node:test';
import { freePort } from './free-port.ts';
import { PostgresServer, withoutPostgres } from './postgres-server.ts';
import { Program, temporaryFolder } from './program.ts';

const small = ['--max-messages', '2000', '--concurrency-level', '4'];

/** Resolves once the server has more rockets than that. */
async function rocketsThere(url: string, count: number): Promise<void> {
  const rockets = Object(await (await fetch(`${url}/rockets`)).json());
  if (rockets.count <= count) await rocketsThere(url, count);
}

test('the simulated rockets are right, and a repetition of the run is all duplicates and still right', async (context) => {
  const folder = temporaryFolder(context);
  const url = await new Program(context, ['serve', 'rockets', '--port', '0', '--database', 'mill.db'], { folder }).listening();
  for (const counts of ['2,000 accepted, 200 duplicate', '0 accepted, 2,200 duplicate']) {
    const { code, stdout, stderr } = await new Program(context, ['simulate', 'rockets', `${url}/messages`, ...small], { folder }).ended;
    assert.match(
      stdout,
      new RegExp(`^messages {2}2,200 posted, ${counts}\nretries {3}0\nelapsed .* messages/s\nlatency .*\nall 20 rockets are right\n$`),
    );
    assert.deepEqual([code, stderr], [0, '']);
  }
});

test('a server killed under load and restarted loses nothing and applies nothing twice', async (context) => {
  const folder = temporaryFolder(context);
  const serve = (port: string) => new Program(context, ['serve', 'rockets', '--port', port, '--database', 'mill.db'], { folder });
  // A port that no other process gets while the server is down.
  const port = String(await freePort());
  const first = serve(port);
  const url = await first.listening();
  const simulation = new Program(context, ['simulate', 'rockets', `${url}/messages`, ...small, '--message-delay', '1ms'], { folder });
  await rocketsThere(url, 5);
  await first.kill('SIGKILL');
  await simulation.printed(/retrying/);
  await serve(port).listening();
  const { code, stdout } = await simulation.ended;
  assert.match(stdout, /\nretries {3}[1-9].*\n[\s\S]*\nall 20 rockets are right\n$/);
  assert.equal(code, 0);
});

test('a wrong rocket is reported field by field, with exit code 1', async (context) => {
  const server = createServer((request, response) => {
    request.resume();
    if (request.method === 'POST') response.writeHead(202).end('{"status":"accepted"}');
    else
      response.end(
        JSON.stringify({
          id: request.url?.slice('/rockets/'.length),
          type: 'X',
          speed: -1,
          mission: 'X',
          status: 'ACTIVE',
          lastMessageNumber: 1,
          lastUpdated: 'X',
          pendingMessages: 0,
        }),
      );
  }).listen(0, '127.0.0.1');
  context.after(() => server.close());
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const words = ['simulate', 'rockets', `http://127.0.0.1:${address.port}`, '--max-messages', '1', '--duplicates', '0'];
  const { code, stdout } = await new Program(context, words, { folder: temporaryFolder(context) }).ended;
  assert.match(stdout, /\nrocket \S+: speed: expected \d+, found -1\n/);
  assert.match(stdout, /\n4 differences\n$/);
  assert.equal(code, 1);
});

test('a fleet is posted to in turn, with separate URLs or a comma-separated list, and its rockets are right', {
  skip: withoutPostgres,
}, async (context) => {
  const postgres = await PostgresServer.start();
  context.after(() => postgres.stop());
  const folder = temporaryFolder(context);
  const database = await postgres.createDatabase();
  const serve = () => new Program(context, ['serve', 'rockets', '--port', '0', '--database', database], { folder }).listening();
  const [one, two] = [await serve(), await serve()];
  for (const urls of [[one, two], [`${one},${two}/messages`]]) {
    const words = ['simulate', 'rockets', ...urls, '--max-messages', '300', '--duplicates', '0'];
    const { code, stdout } = await new Program(context, words, { folder }).ended;
    assert.match(stdout, /\nall 20 rockets are right\n$/);
    assert.equal(code, 0);
  }
  const words = ['simulate', 'rockets', one, 'http://127.0.0.1:9', '--max-messages', '10'];
  assert.match((await new Program(context, words, { folder }).ended).stderr, /found no rockets: http:\/\/127\.0\.0\.1:9 does not answer/);
});

test('without a URL the server is found where this machine’s variables put it', async (context) => {
  const folder = temporaryFolder(context);
  const url = await new Program(context, ['serve', '--port', '0', '--database', 'memory:'], { folder }).listening();
  const { port } = new URL(url);
  const words = ['simulate', 'rockets', '--max-messages', '100'];
  const { code, stdout, stderr } = await new Program(context, words, { folder, environment: { PORT: port } }).ended;
  assert.deepEqual([code, stderr], [0, `millrace: found the rockets at http://localhost:${port}\n`]);
  assert.match(stdout, /\nall \d+ rockets are right\n$/);
});

test('a server without rockets, or one that accepts no messages at that path, is reported in one line at once', async (context) => {
  const folder = temporaryFolder(context);
  const serve = (system: string) => new Program(context, ['serve', system, '--port', '0', '--database', 'memory:'], { folder }).listening();
  const [events, rockets] = await Promise.all([serve('events'), serve('rockets')]);
  for (const [url, line] of [
    [events, /^millrace: found no rockets: http:\/\/127\.0\.0\.1:\d+ answers 404 for \/rockets; start them with .*\n$/],
    [`${rockets}/message`, /^millrace: POST \/message was answered 404 .*; expected a server that accepts rocket messages there\n$/],
    // A missing scheme means http.
    [`${new URL(rockets).host}/message`, /^millrace: POST \/message was answered 404 /],
  ] as const) {
    const { code, stdout, stderr } = await new Program(context, ['simulate', 'rockets', url], { folder }).ended;
    assert.match(stderr, line);
    assert.deepEqual([code, stdout], [1, '']);
  }
});

for (const [signal, exitCode] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`${signal} stops a simulation at once with exit code ${exitCode}`, async (context) => {
    const folder = temporaryFolder(context);
    const server = new Program(context, ['serve', 'rockets', '--port', '0', '--database', 'memory:'], { folder });
    const url = await server.listening();
    const program = new Program(context, ['simulate', 'rockets', url, '--message-delay', '10ms'], { folder });
    await rocketsThere(url, 0);
    await server.kill('SIGKILL');
    await program.printed(/retrying/);
    assert.equal((await program.kill(signal)).code, exitCode);
  });
}
