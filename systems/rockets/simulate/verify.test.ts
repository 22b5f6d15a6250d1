import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'node:test';
import { unlaunched } from './expected-rocket.ts';
import { compare, findDifferences } from './verify.ts';

const expected = { ...unlaunched('r'), type: 'Falcon-9', speed: 500, mission: 'ARTEMIS', lastMessageNumber: 3, lastUpdated: 't3' };

test('a rocket that matches has no differences, including an absent explosionReason', () => {
  const { explosionReason: _, ...rocket } = expected;
  assert.deepEqual(compare(expected, { rocket }), []);
});

test('every differing field is named with both values', () => {
  const rocket = { ...expected, speed: 600, status: 'EXPLODED', explosionReason: 'X', pendingMessages: 2 };
  assert.deepEqual(compare(expected, { rocket }), [
    'rocket r: speed: expected 500, found 600',
    'rocket r: status: expected "ACTIVE", found "EXPLODED"',
    'rocket r: explosionReason: expected undefined, found "X"',
    'rocket r: pendingMessages: expected 0, found 2',
  ]);
});

test('a rocket that has messages of a longer run is one difference, with what to do', () => {
  const rocket = { ...expected, speed: 600, mission: 'MIR', lastMessageNumber: 7, lastUpdated: 't7' };
  assert.deepEqual(compare(expected, { rocket }), [
    'rocket r: expected messages up to number 3, found 7: a longer run with this seed was here before; use another --seed or a new database',
  ]);
});

test('a missing rocket is a difference', () => {
  assert.deepEqual(compare(expected, { problem: 'status 404' }), ['rocket r: expected the rocket, found status 404']);
});

test('the check waits until the server has applied everything', async (context) => {
  const stages = [
    { status: 404, body: {} },
    { status: 200, body: { ...expected, speed: 100, lastMessageNumber: 1, pendingMessages: 1 } },
    { status: 200, body: expected },
  ];
  const server = createServer((request, response) => {
    assert.equal(request.url, '/rockets/r');
    const stage = stages.shift();
    response.writeHead(stage?.status ?? 500).end(JSON.stringify(stage?.body));
  }).listen(0, '127.0.0.1');
  context.after(() => server.close());
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  assert.deepEqual(await findDifferences({ origins: [origin] }, [expected], 10_000), []);
  assert.equal(stages.length, 0);
});

test('a missing server is reported once the deadline has passed', async () => {
  const [line, ...others] = await findDifferences({ origins: ['http://127.0.0.1:9'] }, [expected], 0);
  assert.match(line ?? '', /^rocket r: expected the rocket, found .*ECONNREFUSED/);
  assert.equal(others.length, 0);
});
