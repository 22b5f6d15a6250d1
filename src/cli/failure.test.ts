import assert from 'node:assert/strict';
import test from 'node:test';
import { inspect } from 'node:util';
import { CommanderError } from 'commander';
import { revoked, throwing } from '../../test/unreadable.ts';
import { MillraceError } from '../errors.ts';
import { describeFailure, isVerbose } from './failure.ts';
import { UsageError } from './usage-error.ts';

test('a usage error is one line with a hint, and exit code 2', () => {
  assert.deepEqual(describeFailure(new UsageError('--port: no'), 'millrace serve', true), {
    text: 'millrace: --port: no (see millrace serve --help)\n',
    exitCode: 2,
  });
  assert.deepEqual(
    describeFailure(
      new CommanderError(1, 'commander.unknownCommand', "error: unknown command 'sreve'\n(Did you mean serve?)"),
      'millrace',
      false,
    ),
    {
      text: "millrace: unknown command 'sreve' (Did you mean serve?) (see millrace --help)\n",
      exitCode: 2,
    },
  );
});

test('any other error is one line without a stack, and exit code 1', () => {
  assert.deepEqual(describeFailure(new MillraceError('MILL_STORE_OWNED', 'it is\r\n  owned'), 'millrace', false), {
    text: 'millrace: it is owned\n',
    exitCode: 1,
  });
  assert.equal(describeFailure('a string', 'millrace', false).text, 'millrace: a string\n');
  assert.equal(describeFailure(new Error(''), 'millrace', false).text, 'millrace: failed without giving a reason\n');
});

test('the stack appears only with LOG_LEVEL debug or trace', () => {
  const { text } = describeFailure(new Error('broken', { cause: new Error('the disk') }), 'millrace', true);
  assert.match(text, /^millrace: broken\nError: broken\n {4}at .*\[cause\]: Error: the disk\n/s);
  assert.deepEqual(['debug', 'TRACE', 'info', undefined].map(isVerbose), [true, true, false, false]);
});

test('anything thrown is reported, even if it throws when inspected', () => {
  for (const thrown of [
    revoked(),
    new Proxy(new Error('x'), { getPrototypeOf: throwing, get: throwing, has: throwing }),
    Object.defineProperties(new Error('x'), { message: { get: throwing }, stack: { get: throwing }, cause: { get: throwing } }),
    Object.assign(new Error('x'), { [inspect.custom]: throwing }),
  ]) {
    for (const verbose of [true, false]) {
      const { text, exitCode } = describeFailure(thrown, 'millrace', verbose);
      assert.match(text, /^millrace: \S/);
      assert.equal(exitCode, 1);
    }
  }
});
