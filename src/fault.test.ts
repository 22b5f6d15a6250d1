import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { revoked, throwing } from '../test/unreadable.ts';
import { isError, MillraceError } from './errors.ts';
import { codeOf, faultOf, stackOf } from './fault.ts';

/** An error with the given stack frames, like one from a user's module. */
function withFrames(error: Error, ...frames: readonly string[]): Error {
  error.stack = [`${error.name}: ${error.message}`, ...frames.map((frame) => `    at ${frame}`)].join('\n');
  return error;
}

test('an error shows its reason and where it was thrown', () => {
  const { reason, stack } = faultOf(new TypeError('no such planet'));
  assert.equal(reason, 'no such planet');
  assert.match(stack ?? '', /^TypeError: no such planet\n {4}at .*fault\.test\.ts:\d+:\d+/);
});

test('the chain of causes follows, including causes that are not errors, and ends where it loops', () => {
  const first = withFrames(new Error('the disk is full'), 'write (file:///disk.ts:1:1)');
  const second = withFrames(new Error('not saved', { cause: first }), 'save (file:///save.ts:2:2)');
  assert.equal(
    stackOf(second),
    'Error: not saved\n    at save (file:///save.ts:2:2)\nCaused by: Error: the disk is full\n    at write (file:///disk.ts:1:1)',
  );
  first.cause = { code: 7 };
  assert.match(stackOf(second), /disk\.ts:1:1\)\nCaused by: \{"code":7\} \(not an Error, so its origin is unknown\)$/);
  first.cause = second;
  assert.equal(stackOf(second).match(/Error: not saved/g)?.length, 1);
});

test('an AggregateError shows the errors it contains, each with its causes', () => {
  const one = withFrames(
    new Error('refused', { cause: withFrames(new Error('no route'), 'c (file:///c.ts:3:3)') }),
    'a (file:///a.ts:1:1)',
  );
  const all = withFrames(new AggregateError([one, 'a text'], 'no address answers'), 'all (file:///all.ts:1:1)');
  assert.equal(
    stackOf(all),
    [
      'AggregateError: no address answers',
      '    at all (file:///all.ts:1:1)',
      'One of several: Error: refused',
      '    at a (file:///a.ts:1:1)',
      'Caused by: Error: no route',
      '    at c (file:///c.ts:3:3)',
      'One of several: "a text" (not an Error, so its origin is unknown)',
    ]
      .join('\n')
      .replace('AggregateError', all.name),
  );
});

test('a thrown value that is not an Error is described, and so is an error that hides what it is', () => {
  for (const [thrown, reason] of [
    ['a text', 'a text'],
    [undefined, 'expected an Error to be thrown, found nothing'],
    [null, 'expected an Error to be thrown, found null'],
    [{ code: 'E1' }, 'expected an Error to be thrown, found {"code":"E1"}'],
    [new RangeError(), 'RangeError'],
    [runInNewContext('new TypeError("of another realm")'), 'of another realm'],
    [Object.create(Error.prototype, { message: { value: 'of the old kind' } }), 'of the old kind'],
    [Object.defineProperty(new Error('x'), 'message', { get: throwing }), 'an Error whose message cannot be read'],
    [Object.defineProperty(new Error('hidden'), 'stack', { get: throwing }), 'hidden'],
    [Object.defineProperty(new Error('hidden'), 'cause', { get: throwing }), 'hidden'],
    [Object.assign(new AggregateError([]), { errors: 7, name: '' }), 'Error'],
    [
      {
        get code() {
          return throwing();
        },
      },
      /^expected an Error to be thrown, found (an )?object$/,
    ],
    [
      new Proxy({}, { getPrototypeOf: throwing, get: throwing, has: throwing, ownKeys: throwing }),
      /^expected an Error to be thrown, found (an )?object$/,
    ],
    [new Proxy(new Error('x'), { get: throwing }), 'an Error whose message cannot be read'],
  ] as const) {
    const fault = faultOf(thrown);
    if (typeof reason === 'string') assert.equal(fault.reason, reason);
    else assert.match(fault.reason, reason);
    assert.notEqual(fault.stack, '');
  }
});

test('a stack is limited: a long message hides no frame, many frames hide no cause, and a long chain ends', () => {
  const cause = withFrames(new Error('at the root'), 'root (file:///root.ts:1:1)');
  const deep = Array.from({ length: 1_000 }, (_, at) => `f${at} (file:///deep.ts:${at}:1)`);
  const stack = stackOf(withFrames(new Error('x'.repeat(1_000_000), { cause }), ...deep));
  assert.match(stack, /f0 \(file:\/\/\/deep\.ts:0:1\)/);
  assert.match(stack, /Caused by: Error: at the root\n {4}at root/);
  assert.ok(stack.length <= 8_192, `${stack.length} characters`);
  let chain = new Error('0');
  for (let at = 1; at < 100; at += 1) chain = new Error(String(at), { cause: chain });
  assert.equal(stackOf(chain).match(/Caused by/g)?.length, 7);
  const gathered = stackOf(new AggregateError(Array.from({ length: 1_000 }, () => new Error('x'.repeat(5_000)))));
  assert.ok(gathered.length <= 8_192);
  assert.equal(faultOf(new Error('x'.repeat(1_000_000))).reason.length, 4_000);
});

test('a message of nothing but line breaks is read as fast as any other', () => {
  const stack = stackOf(withFrames(new Error(`${'\n'.repeat(1_000_000)}x`), 'handle (file:///shop.ts:7:1)'));
  assert.match(stack, /…\n {4}at handle \(file:\/\/\/shop\.ts:7:1\)$/);
});

test('texts that no store can hold are replaced', () => {
  const { reason, stack } = faultOf(new Error('half \ud83d of a pair and \0'));
  assert.equal(reason, 'half \ufffd of a pair and \ufffd');
  assert.match(stack ?? '', /^Error: half \ufffd of a pair and \ufffd\n/);
});

test('trailing frames of Millrace and Node.js are omitted, unless there are no others', () => {
  const own = [`attempt (${new URL('engine/attempt.ts', import.meta.url).href}:40:20)`, 'node:internal/timers:600:17'];
  const error = withFrames(
    new Error('x'),
    `put (${new URL('engine/turn.ts', import.meta.url).href}:1:1)`,
    'handle (file:///shop.ts:7:1)',
    ...own,
  );
  assert.match(stackOf(error), /turn\.ts:1:1\)\n {4}at handle \(file:\/\/\/shop\.ts:7:1\)$/);
  assert.match(stackOf(withFrames(new Error('x'), ...own)), /attempt\.ts:40:20\)\n {4}at node:internal\/timers/);
});

test('a stack sent by a thread keeps its causes, even those without a user frame', () => {
  const causes = ['Caused by: Error: no such file', '    at async open (node:internal/fs/promises:640:25)', 'Caused by: 7 (no Error)'];
  const sent = new Error('x');
  sent.stack = ['Error: x', '    at handle (file:///shop.ts:7:1)', ...causes].join('\n');
  assert.match(stackOf(sent), /shop\.ts:7:1\)\nCaused by: Error: no such file\n.*\nCaused by: 7 \(no Error\)$/);
  sent.stack = ['Error: x', '    at handle (file:///shop.ts:7:1)', ...causes.slice(0, 2)].join('\n');
  assert.match(stackOf(sent), /shop\.ts:7:1\)\nCaused by: Error: no such file$/);
});

test('trailing frames that name no file are omitted along with those of Millrace', () => {
  const own = `call (${new URL('engine/outbox/delivery-attempts.ts', import.meta.url)}:1:1)`;
  const error = withFrames(new Error('no answer'), 'Array.map (<anonymous>)', 'call (file:///shop.ts:5:45)', own, '<anonymous>');
  assert.equal(stackOf(error), 'Error: no answer\n    at Array.map (<anonymous>)\n    at call (file:///shop.ts:5:45)');
});

test('an error of Millrace with a cause leads straight to the user’s frames', () => {
  const own = `identify (${new URL('engine/identify.ts', import.meta.url)}:1:1)`;
  const cause = withFrames(new TypeError('no page'), 'key (file:///visits.ts:7:68)', own);
  const failed = withFrames(new MillraceError('MILL_PIPELINE_FAILED', 'key() failed', { cause }), own);
  assert.equal(stackOf(failed), 'MillraceError: key() failed\nCaused by: TypeError: no page\n    at key (file:///visits.ts:7:68)');
});

test('the reason for a pipeline’s failure says what was thrown, which its message hides from callers', () => {
  const failed = new MillraceError('MILL_PIPELINE_FAILED', 'pipeline visits: key() failed', { cause: new TypeError('no page') });
  const { reason, stack } = faultOf(failed);
  assert.equal(reason, 'pipeline visits: key() failed: no page');
  assert.match(stack ?? '', /Caused by: TypeError: no page\n/);
});

test('no code is read from anything that throws when read, and only codes in the table count', () => {
  const ours = new MillraceError('MILL_CONFLICT', 'x');
  assert.equal(codeOf(ours), 'MILL_CONFLICT');
  for (const thrown of [
    revoked(),
    new Proxy(ours, { getPrototypeOf: throwing }),
    new Proxy(ours, { get: throwing, has: throwing }),
    Object.defineProperty(new MillraceError('MILL_CONFLICT', 'x'), 'code', { get: throwing }),
    Object.assign(new MillraceError('MILL_CONFLICT', 'x'), { code: 'constructor' }),
  ]) {
    assert.equal(codeOf(thrown), undefined);
    assert.notEqual(faultOf(thrown).stack, '');
  }
  const failed = new MillraceError('MILL_PIPELINE_FAILED', 'key() failed', { cause: undefined });
  assert.equal(faultOf(failed).reason, 'key() failed: expected an Error to be thrown, found nothing');
  assert.equal(faultOf(new Proxy(failed, { has: throwing })).reason, 'key() failed');
});

test('a proxy that identifies itself at first and throws later is described', () => {
  let asked = 0;
  const once = new Proxy(new AggregateError([new Error('one')], 'many'), {
    getPrototypeOf(target) {
      asked += 1;
      if (asked % 2 === 0) throwing();
      return Reflect.getPrototypeOf(target);
    },
  });
  assert.equal(isError(once), true);
  assert.notEqual(stackOf(once), '');
  assert.notEqual(stackOf(once), '');
});
