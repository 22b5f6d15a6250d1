import assert from 'node:assert/strict';
import { MillraceError } from '../../src/index.ts';

/*
 * A program without a compiler may pass anything to anything. Every value either works or is refused by a MillraceError that
 * names the option; nothing ends in a bare TypeError.
 */

/** Values that replace an option, by their names in reports. */
export const strange: Readonly<Record<string, unknown>> = {
  null: null,
  zero: 0,
  one: 1,
  'a negative number': -1,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  'an empty text': '',
  'a text': 'x',
  'an object': {},
  'an object without a prototype': Object.create(null),
  'an array': [],
  'an array of nothing': [undefined],
  'a function': () => undefined,
  'an async function': async () => undefined,
  'a generator function': function* () {},
  'a class': class {},
  'a symbol': Symbol('x'),
  'a bigint': 1n,
  true: true,
  'a promise': Promise.resolve(1),
  'a map': new Map(),
  'a date': new Date(0),
  'an error': new Error('x'),
};

/** Asserts that a call throws a MillraceError whose message contains the word. */
export async function refuses(call: () => unknown, word: string, what: string): Promise<void> {
  assert.equal(await refusesOrTakes(call, word, what), 1, `${what}: expected it to be refused`);
}

/** Returns 1 for a call refused by a MillraceError whose message contains the word, 0 for one that is not refused. */
export async function refusesOrTakes(call: () => unknown, word: string, what: string): Promise<number> {
  try {
    await call();
    return 0;
  } catch (error) {
    assert.ok(error instanceof MillraceError, `${what}: expected a MillraceError, found ${String(error)}`);
    assert.notEqual(error.code, 'MILL_INTERNAL', `${what}: ${error.message}`);
    assert.ok(error.message.includes(word), `${what}: expected ${word} in ${JSON.stringify(error.message)}`);
    return 1;
  }
}

/** Asserts that a call either accepts or refuses every strange value, and refuses many. */
export async function takesOrRefuses(call: (value: never) => unknown): Promise<void> {
  let refusals = 0;
  for (const [what, value] of Object.entries(strange)) refusals += await refusesOrTakes(() => call(value as never), '', what);
  assert.ok(refusals >= 10, `${refusals} refusals`);
}
