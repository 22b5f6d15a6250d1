import assert from 'node:assert/strict';
import { test } from 'node:test';
import { revoked, throwing } from '../../test/unreadable.ts';
import { type ErrorCode, MillraceError } from '../errors.ts';
import { ProcessCounts } from '../telemetry/process-counts.ts';
import { isOfMillrace, StrayFailures } from './stray-failures.ts';

const own = `at Door.take (${new URL('../engine/door.ts', import.meta.url).href}:97:20)`;
const users = 'at handle (file:///shop/orders.ts:7:1)';
const library = 'at connect (file:///shop/node_modules/pg/client.js:7:1)';
const nodes = 'at listOnTimeout (node:internal/timers:605:17)';

const dispatch = 'at [nodejs.internal.kHybridDispatch] (node:internal/event_target:853:20)';

function withFrames(frames: readonly string[]): Error {
  const error = new Error('x');
  error.stack = ['Error: x', ...frames.map((frame) => `    ${frame}`)].join('\n');
  return error;
}

test('a rejection is the program’s if one frame is the program’s, or the innermost is not Millrace’s', () => {
  const isOwn = (...frames: string[]) => isOfMillrace('unhandledRejection', withFrames(frames));
  assert.equal(isOwn(own, nodes), true);
  assert.equal(isOwn(own, library), true);
  assert.equal(isOwn(nodes, own), true);
  assert.equal(isOwn(library, own), false, 'a function of a library that Millrace was told to call');
  assert.equal(isOwn('at JSON.parse (<anonymous>)', own, 'at async Promise.all (index 0)'), true);
  assert.equal(isOwn(users, own, nodes), false);
  assert.equal(isOwn(own, users), false);
  assert.equal(isOwn(library, nodes), false);
  assert.equal(isOwn(), false);
});

test('a rejection that Millrace returns to a caller belongs to the program, which did not await it', () => {
  const answer = (code: ErrorCode) => Object.assign(new MillraceError(code, 'x'), { stack: withFrames([own]).stack });
  assert.equal(isOfMillrace('unhandledRejection', answer('MILL_STORE_BUSY')), false);
  assert.equal(isOfMillrace('unhandledRejection', answer('MILL_INTERNAL')), true);
});

test('an exception is Millrace’s once it has passed through one of its frames', () => {
  const isOwn = (...frames: string[]) => isOfMillrace('uncaughtException', withFrames(frames));
  assert.equal(isOwn(users, own, nodes), true);
  assert.equal(isOwn(own), true);
  assert.equal(isOwn(users, nodes), false);
  assert.equal(isOwn(users, dispatch, own, nodes), false, 'a listener of an AbortSignal');
  assert.equal(isOwn(own, dispatch, own), true);
  assert.equal(isOwn(library), false);
  assert.equal(isOwn(), false);
});

test('anything without frames is the program’s, whatever happens on inspection', () => {
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

test('a thrown value that throws on inspection ends nothing: it is counted and logged', (t) => {
  const before = (['unhandledRejection', 'uncaughtException'] as const).map((event) => ({ event, listeners: process.listeners(event) }));
  t.after(() => {
    for (const { event, listeners } of before) {
      process.removeAllListeners(event);
      for (const listener of listeners) process.on(event, listener as () => void);
    }
  });
  const lines: object[] = [];
  const counts = new ProcessCounts();
  const failures = new StrayFailures({
    log: { error: (fields) => lines.push(fields) },
    counts,
    turns: { underWay: () => [], present: () => undefined, fail: () => undefined },
    end: () => assert.fail('the process would end'),
  });
  failures.listen();
  const hidden = [
    revoked(),
    new Proxy({}, { getPrototypeOf: throwing }),
    new Proxy(new MillraceError('MILL_CONFLICT', 'x'), { get: throwing }),
  ];
  for (const thrown of hidden) {
    process.emit('uncaughtException', thrown as Error);
    process.emit('unhandledRejection', thrown, Promise.resolve());
  }
  assert.equal(lines.length, 2 * hidden.length);
  assert.deepEqual([counts.strayFailures.uncaughtException, counts.strayFailures.unhandledRejection], [hidden.length, hidden.length]);
  assert.equal(failures.exitCode, undefined);
});
