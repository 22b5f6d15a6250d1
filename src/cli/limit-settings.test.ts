import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import type { Setting } from '../configuration/setting.ts';
import { defaultLimits } from '../engine/limits.ts';
import { MillraceError } from '../errors.ts';
import { httpLimits } from '../server/http-limits.ts';
import { limitSettings, readLimits } from './limit-settings.ts';

test('without any settings the limits are those of the engine and the server', () => {
  assert.deepEqual(readLimits({}), { limits: defaultLimits, http: httpLimits });
});

test('each limit is set by its own variable and by no other', () => {
  for (const [name, { variable }] of Object.entries<Setting>(limitSettings)) {
    const isSpan = variable.endsWith('_TIMEOUT');
    const value = name === 'sends' ? 1_000_017 : 17;
    const { limits, http } = readLimits({ [variable]: isSpan ? '17s' : String(value) });
    const changed = Object.entries({ ...limits, ...http }).filter(([one, value]) => value !== Object(defaults)[one]);
    const follows = name === 'keyLength' ? [['pathParameterLength', 17 * 9]] : [];
    assert.deepEqual(changed, [[name, isSpan ? 17_000 : value], ...follows], variable);
  }
});

test('a request’s body has room for the largest event', () => {
  const bodyBytes = (environment: Readonly<Record<string, string>>) => readLimits(environment).http.bodyBytes;
  assert.equal(bodyBytes({ MAX_EVENT_BYTES: '5000000' }), 5_000_000);
  assert.equal(bodyBytes({ MAX_EVENT_BYTES: '1000' }), httpLimits.bodyBytes);
  assert.equal(bodyBytes({ MAX_EVENT_BYTES: '5000000', MAX_BODY_BYTES: '6000000' }), 6_000_000);
  assert.equal(bodyBytes({ MAX_BODY_BYTES: '1000' }), 1_000, 'an event limit that nobody chose gives way');
  assert.throws(
    () => readLimits({ MAX_EVENT_BYTES: '5000000', MAX_BODY_BYTES: '4999999' }),
    (error) => {
      assert.ok(error instanceof MillraceError);
      assert.equal(error.code, 'MILL_INVALID_CONFIGURATION');
      assert.equal(error.message, 'MAX_BODY_BYTES: expected at least the 5000000 of MAX_EVENT_BYTES, found 4999999');
      return true;
    },
  );
});

test('half of the sends have room for a whole backlog, and for everything one turn sends', () => {
  const sends = (environment: Readonly<Record<string, string>>) => readLimits(environment).limits.sends;
  assert.equal(sends({ QUEUE_SIZE: '10' }), 500_000);
  assert.equal(sends({ QUEUE_SIZE: '300000' }), 1_500_000);
  assert.equal(sends({ QUEUE_SIZE: '10', MAX_EFFECTS: '20', MAX_SENDS: '40' }), 40);
  assert.throws(() => sends({ QUEUE_SIZE: '10', MAX_EFFECTS: '20', MAX_SENDS: '39' }), {
    code: 'MILL_INVALID_CONFIGURATION',
    message: 'MAX_SENDS: expected at least 40, twice the larger of QUEUE_SIZE and MAX_EFFECTS, found 39',
  });
});

test('the longest key fits into a request’s head, for which Node.js allows 16 KiB', () => {
  assert.equal(readLimits({ MAX_KEY_LENGTH: '1000' }).http.pathParameterLength, 9_000);
  assert.throws(() => readLimits({ MAX_KEY_LENGTH: '1001' }), /^MillraceError: MAX_KEY_LENGTH: expected an integer from 1 to 1000, /);
});

test('a time limit is never too short to get anything done', () => {
  for (const KEEP_ALIVE_TIMEOUT of ['0', '999ms', '25h'])
    assert.throws(
      () => readLimits({ KEEP_ALIVE_TIMEOUT }),
      /KEEP_ALIVE_TIMEOUT: expected a duration from 1s to 24h, such as 10s or 2m, found "/,
    );
  assert.throws(() => readLimits({ REQUEST_TIMEOUT: '9s' }), /REQUEST_TIMEOUT: expected a duration from 10s to 24h, /);
});

const defaults = { ...defaultLimits, ...httpLimits };
const documentation = readFileSync(new URL('../../docs/limits.md', import.meta.url), 'utf8');

test('docs/limits.md has a row for every limit, with its default and its variable, in the order of the code', () => {
  const rows = Array.from(documentation.matchAll(/^\| `(\w+)` +\| ([^|]+?) +\| (?:`(\w+)`|[^|]*?) +\|/gm), ([, name, value, variable]) => [
    name,
    value,
    variable,
  ]);
  const variables = new Map(Object.entries<Setting>(limitSettings).map(([name, { variable }]) => [name, variable]));
  const expected = Object.entries(defaults).map(([name, value]) => [name, shown(name, value), variables.get(name)]);
  assert.deepEqual(rows, expected);
});

/** `1 MiB`, `75 s`, `100,000`. */
function shown(name: string, value: number): string {
  if (name.endsWith('Bytes')) return `${value / 1024 / 1024} MiB`;
  return name.endsWith('Ms') ? `${value / 1_000} s` : value.toLocaleString('en');
}
