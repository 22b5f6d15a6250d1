import assert from 'node:assert/strict';
import test from 'node:test';
import { checkOptions, explicit, type OptionTable, required } from './check-options.ts';
import { arrayOf, integerFrom, named, options, text } from './expectations.ts';
import { Place } from './place.ts';

interface Inner {
  readonly size?: number;
}

interface Shelf {
  readonly name: string;
  readonly inner?: Inner;
  readonly labels?: readonly string[];
  readonly boxes?: Readonly<Record<string, Inner>>;
  readonly secret?: string;
}

const inner: OptionTable<Inner> = { size: integerFrom(1) };
const shelf: OptionTable<Shelf> = {
  name: required(text),
  inner: options(inner),
  labels: arrayOf('labels', text),
  boxes: named('boxes', options(inner)),
  secret: explicit(text),
};

const check = (value: unknown) => checkOptions(value, shelf, new Place('shelf', 'MILL_INVALID_DECLARATION'));
const refused = (value: unknown, message: string) => {
  assert.throws(() => check(value), { code: 'MILL_INVALID_DECLARATION', message: `shelf: ${message}` });
};

test('valid options are accepted, and an undefined one counts as absent', () => {
  check({ name: 'a' });
  check({ name: 'a', inner: { size: 1 }, labels: ['x'], boxes: { one: {}, two: { size: 2 } }, secret: 's' });
  check({ name: 'a', inner: undefined, labels: undefined, boxes: { one: { size: undefined } } });
});

test('an instance of a user’s class may hold options', () => {
  class Declared {
    name = 'a';
    inner = Object.create({ size: 1 });
  }
  check(new Declared());
});

test('an option of the wrong type is refused with its path, what was expected and what was found', () => {
  refused({ name: 5 }, 'name: expected a non-empty text, found 5');
  refused({ name: 'a', inner: { size: 0 } }, 'inner.size: expected an integer of at least 1, found 0');
  refused({ name: 'a', inner: 3 }, 'inner: expected an object of options (size), found 3');
  refused({ name: 'a', labels: ['x', null] }, 'labels[1]: expected a non-empty text, found null');
  refused({ name: 'a', boxes: { one: { size: '1' } } }, 'boxes.one.size: expected an integer of at least 1, found "1"');
  refused({ name: 'a', boxes: { 'a b': { size: '1' } } }, 'boxes["a b"].size: expected an integer of at least 1, found "1"');
  refused({ name: 'a', boxes: [{}] }, 'boxes: expected an object of boxes by name, found [{}]');
});

test('a missing required option is refused', () => {
  refused({}, 'name: expected a non-empty text, found nothing');
  refused({ name: undefined }, 'name: expected a non-empty text, found nothing');
});

test('an option that was clearly intended is refused if it is written but undefined', () => {
  refused({ name: 'a', secret: undefined }, 'secret: expected a non-empty text, found nothing');
});

test('an unknown option is refused with the nearest name, or with all names, even if it is undefined', () => {
  refused({ name: 'a', lables: [] }, 'lables is no option; did you mean labels?');
  refused({ name: 'a', inner: { sise: 1 } }, 'inner.sise is no option; did you mean size?');
  refused({ name: 'a', signingSecret: undefined }, 'signingSecret is no option; did you mean secret?');
  refused({ name: 'a', xyz: 1 }, 'xyz is no option; the options are name, inner, labels, boxes, secret');
});

test('an object that cannot hold options is refused', () => {
  for (const value of [null, [], new Map(), new Date(0), Promise.resolve({ name: 'a' }), () => ({ name: 'a' }), 'a', undefined])
    assert.throws(
      () => check(value),
      /^MillraceError: shelf: expected an object of options \(name, inner, labels, boxes, secret\), found /,
    );
  refused(Promise.resolve({}), 'expected an object of options (name, inner, labels, boxes, secret), found a promise');
});

test('a table that lacks one of its interface’s options, or has an extra one, does not compile', () => {
  // @ts-expect-error: secret is missing
  const lacking: OptionTable<Shelf> = { name: required(text), inner: options(inner), labels: text, boxes: text };
  // @ts-expect-error: weight is no option of the interface
  const tooMany: OptionTable<Inner> = { size: integerFrom(1), weight: integerFrom(1) };
  assert.ok(lacking && tooMany);
});
