import assert from 'node:assert/strict';
import test from 'node:test';
import { Timestamp, toUtc, UtcTimestamp } from './timestamp.ts';

const good = [
  '2022-02-02T19:39:05.86337+01:00',
  '2022-02-02T19:39:05Z',
  '2022-02-02t19:39:05.1z',
  '2024-02-29T00:00:00-23:59',
  '1990-12-31T23:59:60Z',
  '0000-01-01T00:00:00.000000000000Z',
  '9999-12-31T23:59:59.999+14:00',
];

const bad = [
  '',
  'yesterday',
  '2022-02-02',
  '19:39:05Z',
  '2022-02-02T19:39:05',
  '2022-02-02T19:39Z',
  '2022-02-02 19:39:05Z',
  '2022-2-2T19:39:05Z',
  '2023-02-29T00:00:00Z',
  '2022-04-31T00:00:00Z',
  '2022-13-01T00:00:00Z',
  '2022-02-02T24:00:00Z',
  '2022-02-02T19:60:05Z',
  '2022-02-02T19:39:61Z',
  '2022-02-02T19:39:05.Z',
  '2022-02-02T19:39:05,5Z',
  '2022-02-02T19:39:05+0100',
  '2022-02-02T19:39:05+24:00',
  '2022-02-02T19:39:05Z\n',
  ' 2022-02-02T19:39:05Z',
  1643827145000,
  null,
];

test('an RFC 3339 moment is accepted and kept unchanged', () => {
  for (const moment of good) assert.equal(Timestamp.parse(moment), moment);
});

test('anything else is refused', () => {
  for (const moment of bad) assert.equal(Timestamp.safeParse(moment).success, false, String(moment));
});

test('a moment in UTC has milliseconds, so that texts sort chronologically', () => {
  for (const [moment, utc] of [
    ['2022-02-02T19:39:05.86337+01:00', '2022-02-02T18:39:05.863Z'],
    ['2022-02-02t19:39:05.9999z', '2022-02-02T19:39:05.999Z'],
    ['2022-02-02T00:39:05-23:59', '2022-02-03T00:38:05.000Z'],
    ['1990-12-31T23:59:60.25Z', '1991-01-01T00:00:00.250Z'],
    ['0000-01-01T00:00:00.000000000000Z', '0000-01-01T00:00:00.000Z'],
  ] as const) {
    assert.equal(toUtc(moment), utc);
    assert.equal(UtcTimestamp.parse(moment), moment);
  }
});

test('a moment whose year does not have four digits in UTC is refused', () => {
  for (const moment of ['0000-01-01T00:00:00+00:01', '9999-12-31T23:59:59-00:01', '9999-12-31T23:59:60Z', 'yesterday']) {
    assert.equal(UtcTimestamp.safeParse(moment).success, false, moment);
  }
});
