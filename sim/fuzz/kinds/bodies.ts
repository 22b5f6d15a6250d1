import type { Kind, Made, Material } from '../attempt.ts';
import type { Draw } from '../draw.ts';
import { send, text } from './ask.ts';
import { type Place, placesIn, textWithAt, textWithMember, valueAt, withAt } from './places.ts';

const suits: NonNullable<Kind['suits']> = ({ hasBody }) => hasBody;

/** Texts that are not JSON. */
const noJson = [
  '{',
  '}',
  '[1,]',
  "{'a':1}",
  '{"a":1,}',
  'undefined',
  'NaN',
  '-',
  '01',
  '+1',
  '1.',
  '.5',
  '"',
  '"\\x"',
  '{"a"}',
  '{]',
  '1 2',
  '/**/{}',
];
const poisonedNames = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '__defineGetter__',
  'valueOf',
  'toJSON',
  'then',
];
/** Maximum nesting of a body. */
const levelsMax = 500;
const poisons = ['{"polluted":true}', '{"prototype":{"polluted":true}}', 'null', '1', '[]', '{"__proto__":{"polluted":true}}'];
const otherValues = [null, true, false, 0, -1, 1.5, '', 'text', '0', '[object Object]', [], {}, [[]], [null], { a: 1 }, 2 ** 53];
const numbers = [
  ...['1e999', '-1e999', '-0', '9007199254740993', '1e-999', '1'.repeat(400), `0.${'3'.repeat(400)}`, '1e308', '5e-324', '-1', '0'],
  ...['9223372036854775808', '18446744073709551616', '1E400', '0.1e1', '1.0', '4294967296', '2147483648'],
];
const texts = [
  ...['"\\ud800"', '"\\udc00\\ud800"', '"a\\u0000b"', '"\\u0001\\u001f\\u007f"', '"\\u2028\\u2029"', '"\\ufeff"', '"\\ufffe\\uffff"'],
  ...['"../../etc/passwd"', '"\' OR 1=1 --"', '"; DROP TABLE messages; --"', '"%s%n%x"', '"<script>alert(1)</script>"'],
  ...[
    `"${'x'.repeat(513)}"`,
    `"${'x'.repeat(100_000)}"`,
    `"${'\\u0000'.repeat(1_000)}"`,
    `"${'👩‍🚀'.repeat(200)}"`,
    '"__proto__"',
    '"toString"',
  ],
  ...['"\\u202eabc"', '"é́́́́"', '"2022-02-30T00:00:00Z"', '"+275760-09-13T00:00:00Z"', '"0000-00-00T00:00:00Z"'],
];

/** Bodies that are not JSON, or break a valid one in exactly one place. */
export const bodyKinds: readonly Kind[] = [
  { name: 'valid', weight: 6, make: ({ valid }) => send(valid, {}) },
  {
    name: 'broken JSON',
    weight: 3,
    suits,
    make({ draw, valid }) {
      const json = JSON.stringify(valid.json ?? { a: 1 });
      return {
        ...send(valid, text(draw.chance(0.5) ? draw.pick(noJson) : json.slice(0, draw.integer(1, json.length - 1)))),
        isInvalid: true,
      };
    },
  },
  { name: 'deep nesting', weight: 2, suits, make: nesting },
  {
    name: 'strange numbers',
    weight: 8,
    suits,
    make: ({ draw, valid }) => send(valid, text(textWithAt(valid.json, placeOf(draw, valid.json, 'number'), draw.pick(numbers)))),
  },
  {
    name: 'strange texts',
    weight: 12,
    suits,
    make: ({ draw, valid }) => send(valid, text(textWithAt(valid.json, placeOf(draw, valid.json, 'string'), draw.pick(texts)))),
  },
  {
    name: 'poisoned keys',
    weight: 6,
    suits,
    make({ draw, valid }) {
      const name = draw.chance(0.1) ? '\\u005f_proto__' : draw.pick(poisonedNames);
      const member = `"${name}":${draw.pick(poisons)}`;
      const made = send(valid, text(textWithMember(valid.json ?? {}, placeOf(draw, valid.json ?? {}, 'object'), member)));
      return { ...made, isInvalid: member.includes('_proto__') };
    },
  },
  { name: 'keys twice', weight: 1, suits, make: twice },
  {
    name: 'one wrong place',
    weight: 16,
    suits,
    make({ draw, valid }) {
      const place = draw.pick(placesIn(valid.json));
      const replacement = place.length > 0 && draw.chance(0.2) ? undefined : draw.pick(otherValues);
      return send(valid, text(JSON.stringify(withAt(valid.json, place, replacement)) ?? ''));
    },
  },
  { name: 'empty body', weight: 1, make: ({ draw, valid }) => send(valid, text(draw.pick(['', ' ', '\n', 'null']))) },
  { name: 'odd batches', weight: 1, suits, make: oddBatch },
];

function nesting({ draw, valid }: Material): Made {
  const levels = draw.pick([495, 501, 10_000, 100_000]);
  return { ...send(valid, text(nested(draw, valid.json, levels))), isInvalid: levels > levelsMax };
}

function nested(draw: Draw, json: unknown, levels: number): string {
  const piece = draw.chance(0.5) ? `${'['.repeat(levels)}${']'.repeat(levels)}` : `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
  return draw.chance(0.3) || json === undefined ? piece : textWithAt(json, draw.pick(placesIn(json)), piece);
}

/** Returns a random place with a value of that type; the whole if there is none. */
function placeOf(draw: Draw, json: unknown, type: 'number' | 'string' | 'object'): Place {
  const fitting = placesIn(json).filter((place) => {
    const value = valueAt(json, place);
    return typeof value === type && !Array.isArray(value) && value !== null;
  });
  return fitting.length === 0 ? [] : draw.pick(fitting);
}

function twice({ draw, valid }: Material) {
  const place = placeOf(draw, valid.json, 'object');
  const object = valueAt(valid.json, place);
  const name = draw.pick(['a', ...Object.keys(typeof object === 'object' && object !== null ? object : {})]);
  return send(valid, text(textWithMember(valid.json, place, `${JSON.stringify(name)}:${draw.pick(['1', '"x"', '{}', 'null'])}`)));
}

function oddBatch({ draw, valid }: Material) {
  const [one] = placesIn(valid.json).flatMap((place) => (typeof place.at(-1) === 'number' ? [valueAt(valid.json, place)] : []));
  const count = draw.pick([0, 2, 100, 101, 1_000, 1_001]);
  const items = Array.from({ length: count }, (_, at) => (at % 7 === 3 ? null : (one ?? valid.json)));
  return send(valid, text(JSON.stringify(draw.chance(0.5) ? items : { events: items })));
}
