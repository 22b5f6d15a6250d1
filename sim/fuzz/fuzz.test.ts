import assert from 'node:assert/strict';
import test from 'node:test';
import { AnswerReader } from './answers.ts';
import { kinds } from './kinds/index.ts';
import { bytesOf, Plan } from './plan.ts';
import { type Route, routesOf } from './routes.ts';
import { samples } from './samples.ts';
import { standsAttack } from './stands-attack.fixture.test.ts';

const routes = Object.keys(samples).map((name): Route => {
  const [method = '', path = ''] = name.split(' ');
  return {
    name,
    method,
    path,
    query: ['cursor'],
    hasBody: method === 'POST',
  };
});

test('the server withstands an attack on every route while serving others', async (context) => {
  await standsAttack(context, 20_261_121, 4_000);
});

test('the server withstands a fresh random attack', async (context) => {
  await standsAttack(context, Math.floor(Math.random() * 1_000_000_000), 3_000);
});

test('a server that requires tokens withstands it too, and admits nobody without one', async (context) => {
  await standsAttack(context, 20_261_130, 4_000, true);
});

test('an attempt is determined by its seed and number', () => {
  const bytes = (seed: number, number: number) => bytesOf(new Plan(seed, routes).attempt(number)).toString('latin1');
  const first = Array.from({ length: 300 }, (_, number) => bytes(1, number));
  assert.deepEqual(
    Array.from({ length: 300 }, (_, at) => bytes(1, 299 - at)),
    first.toReversed(),
  );
  assert.notEqual(bytes(2, 0), first[0]);
});

test('every kind and every route is tried soon', () => {
  const plan = new Plan(1, routes);
  const attempts = Array.from({ length: 8_000 }, (_, number) => plan.attempt(number));
  assert.deepEqual(new Set(attempts.map(({ kind }) => kind)), new Set(kinds.map(({ name }) => name)));
  for (const { name } of routes) assert.ok(attempts.some(({ route }) => route === name));
});

test('a route without a sample is an error', () => {
  const documented = routesOf({ paths: { '/new': { post: {} } } });
  assert.throws(() => new Plan(1, documented), /expected a sample of every route, found none of POST \/new/);
});

test('answers are read in whatever pieces they arrive', () => {
  const text = [
    'HTTP/1.1 100 Continue\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\n',
    'HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\n',
    'HTTP/1.1 204 No Content\r\n\r\n',
  ].join('');
  for (const size of [1, 7, text.length]) {
    const reader = new AnswerReader(['GET', 'GET', 'HEAD', 'GET']);
    for (let at = 0; at < text.length; at += size) reader.push(Buffer.from(text.slice(at, at + size)));
    assert.deepEqual(
      reader.answers.map(({ status, body }) => [status, body.toString()]),
      [
        [200, 'abc'],
        [200, 'def'],
        [404, ''],
        [204, ''],
      ],
    );
  }
  const reader = new AnswerReader(['GET']);
  reader.push(Buffer.from('nonsense\r\n\r\n'));
  assert.match(reader.fault ?? '', /expected a status line, found "nonsense"/);
});
