import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import test from 'node:test';
import { Program, temporaryFolder } from './program.ts';

const small = ['--max-messages', '2000', '--concurrency-level', '4'];

test('the simulated rockets are right, and the same run again is all duplicates and still right', async (context) => {
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

test('a server that is killed under load and started again loses nothing and applies nothing twice', async (context) => {
  const folder = temporaryFolder(context);
  const serve = (port: string) => new Program(context, ['serve', 'rockets', '--port', port, '--database', 'mill.db'], { folder });
  const first = serve('0');
  const url = await first.listening();
  const simulation = new Program(context, ['simulate', 'rockets', `${url}/messages`, ...small, '--message-delay', '1ms'], { folder });
  const rocketsThere = async (): Promise<void> =>
    Object(await (await fetch(`${url}/rockets`)).json()).count > 5 ? undefined : rocketsThere();
  await rocketsThere();
  await first.kill('SIGKILL');
  await simulation.printed(/trying again/);
  await serve(new URL(url).port).listening();
  const { code, stdout } = await simulation.ended;
  assert.match(stdout, /\nretries {3}[1-9].*\n[\s\S]*\nall 20 rockets are right\n$/);
  assert.equal(code, 0);
});

test('a rocket that is wrong is told field by field, with exit code 1', async (context) => {
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

test('SIGINT stops a simulation with exit code 130', async (context) => {
  const program = new Program(context, ['simulate', 'rockets', 'http://127.0.0.1:9'], { folder: temporaryFolder(context) });
  await program.printed(/ECONNREFUSED.*trying again/);
  assert.equal((await program.kill('SIGINT')).code, 130);
});
