import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOfMillrace } from './stray-failures.ts';

const own = `at Door.take (${new URL('../engine/door.ts', import.meta.url).href}:97:20)`;
const users = 'at handle (file:///shop/orders.ts:7:1)';
const library = 'at connect (file:///shop/node_modules/pg/client.js:7:1)';
const nodes = 'at listOnTimeout (node:internal/timers:605:17)';

function withFrames(frames: readonly string[]): Error {
  const error = new Error('x');
  error.stack = ['Error: x', ...frames.map((frame) => `    ${frame}`)].join('\n');
  return error;
}

test('a rejection is the program’s where a frame is of the program, or none is of Millrace', () => {
  const isOwn = (...frames: string[]) => isOfMillrace('unhandledRejection', withFrames(frames));
  assert.equal(isOwn(own, nodes), true);
  assert.equal(isOwn(library, own), true);
  assert.equal(isOwn('at JSON.parse (<anonymous>)', own, 'at async Promise.all (index 0)'), true);
  assert.equal(isOwn(users, own, nodes), false);
  assert.equal(isOwn(own, users), false);
  assert.equal(isOwn(library, nodes), false);
  assert.equal(isOwn(), false);
});

test('an exception is Millrace’s as soon as it has passed through one of its frames', () => {
  const isOwn = (...frames: string[]) => isOfMillrace('uncaughtException', withFrames(frames));
  assert.equal(isOwn(users, own, nodes), true);
  assert.equal(isOwn(own), true);
  assert.equal(isOwn(users, nodes), false);
  assert.equal(isOwn(library), false);
  assert.equal(isOwn(), false);
});

test('what has no frames is the program’s, whatever happens when it is asked', () => {
  const hidden = Object.defineProperty(new Error('x'), 'stack', {
    get() {
      throw new Error('read');
    },
  });
  for (const thrown of [undefined, 'a text', {}, hidden]) {
    assert.equal(isOfMillrace('unhandledRejection', thrown), false);
    assert.equal(isOfMillrace('uncaughtException', thrown), false);
  }
});
