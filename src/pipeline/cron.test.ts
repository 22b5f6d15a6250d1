import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { MillraceError } from '../errors.ts';
import { parseCron } from './cron.ts';

const page = readFileSync(new URL('../../docs/schedules.md', import.meta.url), 'utf8');
/** The rows of the table of nights: zone, night, pattern, runs. */
const nights = Array.from(page.matchAll(/^\| (\w+\/\w+) \| (\d{4}-\d\d-\d\d) \| `(.+)` \| (.+) \|$/gm));

/** Every run of a pattern after one moment and before another. */
function runsOf(pattern: string, zone: string, from: number, to: number): number[] {
  const nextAfter = parseCron(pattern, zone, 'schedule');
  const runs: number[] = [];
  for (let moment = nextAfter(from - 1); moment < to; moment = nextAfter(moment)) runs.push(moment);
  return runs;
}

const instant = (zone: string, night: string, time: string) =>
  Temporal.PlainDateTime.from(`${night}T${time}`).toZonedDateTime(zone).epochMilliseconds;

/** The local time of a moment, with its offset from UTC: `02:30+02`. */
function localTime(moment: number, zone: string): string {
  const local = Temporal.Instant.fromEpochMilliseconds(moment).toZonedDateTimeISO(zone);
  const smallestUnit = local.second === 0 ? 'minute' : 'second';
  return local.toPlainTime().toString({ smallestUnit }) + local.offset.replace(/:00$/, '');
}

describe('a cron pattern on nights when the clocks change, as in docs/schedules.md', () => {
  test('the table has nights that skip an hour, half an hour and midnight, and nights that repeat some', () => {
    assert.ok(nights.length >= 20, `${nights.length} rows`);
    assert.deepEqual(
      [...new Set(nights.map(([, zone]) => zone))],
      ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/Santiago'],
    );
  });

  for (const [, zone = '', night = '', pattern = '', runs = ''] of nights) {
    test(`${pattern} in ${zone} on ${night}`, () => {
      const from = Temporal.PlainDate.from(night).toZonedDateTime(zone).epochMilliseconds;
      const found = runsOf(pattern, zone, from, instant(zone, night, '04:00'));
      assert.equal(found.map((moment) => localTime(moment, zone)).join(', '), runs);
    });
  }
});

test('a pattern with several times of day has the runs of each one alone, on any night in any zone', () => {
  const changes = [
    ['Europe/Berlin', '2026-03-29'],
    ['Europe/Berlin', '2026-10-25'],
    ['America/New_York', '2026-03-08'],
    ['America/New_York', '2026-11-01'],
    ['Australia/Lord_Howe', '2026-10-04'],
    ['Australia/Lord_Howe', '2026-04-05'],
    ['America/Santiago', '2026-09-06'],
    ['America/Santiago', '2026-04-04'],
    ['Africa/Cairo', '2026-04-24'],
    ['Africa/Casablanca', '2026-03-22'],
  ] as const;
  const some = (below: number, size: number) => fc.uniqueArray(fc.nat(below - 1), { minLength: 1, maxLength: size });
  fc.assert(
    fc.property(fc.constantFrom(...changes), some(60, 2), some(60, 3), some(5, 3), (change, seconds, minutes, hours) => {
      const [zone, night] = change;
      const from = instant(zone, night, '00:00') - 3_600_000;
      const to = from + 30 * 3_600_000;
      const together = runsOf(`${seconds} ${minutes} ${hours} * * *`, zone, from, to);
      const alone = seconds.flatMap((s) => minutes.flatMap((m) => hours.flatMap((h) => runsOf(`${s} ${m} ${h} * * *`, zone, from, to))));
      assert.deepEqual(
        together,
        Array.from(new Set(alone)).toSorted((one, other) => one - other),
      );
    }),
    { numRuns: 60 },
  );
});

test('a step or a range of hours equals the list of them, and all hours equal a wildcard', () => {
  const [from, to] = [Date.UTC(2026, 9, 24), Date.UTC(2026, 9, 26)];
  for (const [one, other] of [
    ['*/20 */3 * * *', '0,20,40 0,3,6,9,12,15,18,21 * * *'],
    ['5-7 1-3 * * *', '5,6,7 1,2,3 * * *'],
    ['0 0-23 * * *', '0 * * * *'],
    ['0 */1 * * *', '0 * * * *'],
    ['@hourly', '0 * * * *'],
    ['@daily', '0 0 * * *'],
    ['0 ? * * *', '0 * * * *'],
    [' 0  3  * * * ', '0 0 3 * * *'],
  ] as const)
    assert.deepEqual(runsOf(one, 'Europe/Berlin', from, to), runsOf(other, 'Europe/Berlin', from, to), one);
});

test('a pattern that never runs, a date, a year, or an invalid pattern is refused, now and at any later start', () => {
  for (const [pattern, expected] of [
    ['0 0 30 2 *', /schedule\.cron: expected a pattern that runs at some time, such as 0 3 \* \* \*, found 0 0 30 2 \*, which never runs/],
    ['0 0 0 31 4,6 *', /which never runs/],
    ['2020-01-01T00:00:00', /schedule\.cron: expected a recurring pattern, such as 0 3 \* \* \*, found the date 2020-01-01T00:00:00/],
    ['2199-01-01T00:00:00', /found the date/],
    ['2199-01-01 00:00:00', /found the date/],
    ['0 0 3 1 1 * 2199', /expected a cron pattern, such as 0 3 \* \* \*, found "0 0 3 1 1 \* 2199"/],
    ['every noon', /expected a cron pattern/],
    ['', /expected a cron pattern/],
    ['61 * * * *', /expected a cron pattern/],
  ] as const) {
    const isRefused = (error: unknown) =>
      error instanceof MillraceError && error.code === 'MILL_INVALID_DECLARATION' && expected.test(error.message);
    assert.throws(() => parseCron(pattern, 'UTC', 'schedule'), isRefused, pattern);
  }
  const leapDay = parseCron('0 0 29 2 *', 'UTC', 'schedule');
  assert.equal(leapDay(Date.UTC(2096, 1, 29)), Date.UTC(2104, 1, 29));
});
