import assert from 'node:assert/strict';
import test from 'node:test';
import { type Duration, toMs } from './duration.ts';

test('a duration is milliseconds, or a number with a unit, which may be written out', () => {
  const durations: readonly (readonly [duration: Duration, ms: number])[] = [
    [0, 0],
    [1.5, 1.5],
    ['0s', 0],
    ['500ms', 500],
    ['1 millisecond', 1],
    ['2milliseconds', 2],
    ['5s', 5_000],
    ['5 s', 5_000],
    ['1 second', 1_000],
    ['30 seconds', 30_000],
    ['2m', 120_000],
    ['1 minute', 60_000],
    ['1.5 minutes', 90_000],
    ['24h', 86_400_000],
    ['1 hour', 3_600_000],
    ['.5 hours', 1_800_000],
    ['7d', 604_800_000],
    ['1 day', 86_400_000],
    ['7 days', 604_800_000],
    ['1w', 604_800_000],
    ['1 week', 604_800_000],
    ['2 weeks', 1_209_600_000],
    // The type accepts every text that JavaScript reads as a number.
    ['1e3ms', 1_000],
    ['0x10s', 16_000],
    ['+5s', 5_000],
    [' 5s', 5_000],
    ['007s', 7_000],
  ];
  for (const [duration, ms] of durations) assert.equal(toMs(duration, 'retain'), ms, String(duration));
});

test('an invalid duration neither compiles nor passes', () => {
  const refused: readonly (readonly [duration: Duration, found: string])[] = [
    // @ts-expect-error no such unit
    ['7 dayz', '"7 dayz"'],
    // @ts-expect-error no such unit
    ['5y', '"5y"'],
    // @ts-expect-error units are in lower case
    ['5S', '"5S"'],
    // @ts-expect-error the unit is missing
    ['5', '"5"'],
    // @ts-expect-error the number is missing
    ['s', '"s"'],
    // @ts-expect-error the number is missing
    ['soon', '"soon"'],
    // @ts-expect-error two numbers
    ['5 5s', '"5 5s"'],
    // @ts-expect-error no number of JavaScript's at run time
    ['1_000s', '"1_000s"'],
    // @ts-expect-error something follows
    ['5s ', '"5s "'],
    // @ts-expect-error no span
    ['Infinitys', '"Infinitys"'],
    // @ts-expect-error nothing
    ['', '""'],
    // @ts-expect-error nothing
    [undefined, 'nothing'],
    // @ts-expect-error a list
    [['5s'], '["5s"]'],
  ];
  for (const [duration, found] of refused) refuses(duration, found);
});

test('errors that types cannot catch are refused at run time', () => {
  refuses(-1, '-1');
  refuses(Number.NaN, 'NaN');
  refuses(Number.POSITIVE_INFINITY, 'Infinity');
  refuses('-5s', '"-5s"');
  refuses(' s', '" s"');
  refuses('1000001000000000ms', '"1000001000000000ms"');
  assert.equal(toMs('1000000000000000ms', 'retain'), 1e15);
});

function refuses(duration: Duration, found: string): void {
  const message = `retain: expected milliseconds or a duration such as 500ms, 5s, 2m, 24h or 7d, at most 1000000000000000 ms, found ${found}`;
  assert.throws(() => toMs(duration, 'retain'), { code: 'MILL_INVALID_DECLARATION', message });
}
