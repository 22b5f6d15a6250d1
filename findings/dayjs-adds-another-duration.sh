#!/usr/bin/env bash
# dayjs 1.11.23 with its plugin `duration`: adding a duration adds a different amount of time: a week adds nothing, minus one day adds a day, and 40
# days given in milliseconds add 40 days and 14 hours.
#
# The plugin reads ISO 8601 durations, and the documentation (https://day.js.org/docs/en/durations/durations) shows `dayjs().add(dayjs.duration(…))`.
# `asSeconds()` is right for all but the negative one, so you would expect `add` to move a date by as much. But `add` uses the parts. There is none
# for weeks. A fractional part is rounded, half a day to a whole one. A leading minus, which `toISOString()` writes for a negative duration, is
# dropped on parsing. And milliseconds are split into months of 30.4 days, which `add` then treats as calendar months, 31 days long in January. A
# retry "in P1W" is due at once, and a date that is 40 days off depends on the month it begins in.
#
# Seen, for 2026-01-01 00:00 UTC and what is added; the second column is asSeconds() in hours, the third what add() moves the date by:
#   dayjs.duration('P1W')                             168        0
#   dayjs.duration({ weeks: 2 })                      336        0
#   dayjs.duration({ days: -1 })                      -24      -24
#   the same by toISOString(), '-P1D', and back       24       24
#   dayjs.duration('P0.5D')                           12       24
#   dayjs.duration('P1D')                             24       24
#   dayjs.duration(40 * 86_400_000)                   960        974
#   dayjs.duration(40, 'days')                        960        974
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts dayjs@1.11.23 >/dev/null 2>&1 || exit 2

cat >moves.mjs <<'JS'
import dayjs from 'dayjs';
import duration from 'dayjs/plugin/duration.js';
import utc from 'dayjs/plugin/utc.js';

dayjs.extend(utc);
dayjs.extend(duration);
const start = dayjs.utc('2026-01-01T00:00:00Z');

let isAsDescribed = true;
for (const [name, span, says, moves] of [
  ["'P1W'", dayjs.duration('P1W'), 168, 0],
  ['{ weeks: 2 }', dayjs.duration({ weeks: 2 }), 336, 0],
  ['{ days: -1 }', dayjs.duration({ days: -1 }), -24, -24],
  ['the same by toISOString() and back', dayjs.duration(dayjs.duration({ days: -1 }).toISOString()), 24, 24],
  ["'P0.5D'", dayjs.duration('P0.5D'), 12, 24],
  ["'P1D'", dayjs.duration('P1D'), 24, 24],
  ['40 * 86_400_000', dayjs.duration(40 * 86_400_000), 960, 974],
  ["40, 'days'", dayjs.duration(40, 'days'), 960, 974],
]) {
  const found = [span.asSeconds() / 3600, start.add(span).diff(start) / 3_600_000];
  console.log(`${name}: says ${found[0]} hours, moves by ${found[1]}`);
  if (found[0] !== says || found[1] !== moves) isAsDescribed = false;
}
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node moves.mjs
