#!/usr/bin/env bash
# @breejs/later 4.2.0 (which Bree 9.2.9 schedules by), @datasert/cronjs-matcher 1.4.0 and cronosjs 1.7.1: the weekday 7 in a crontab line means
# Saturday, or is missing from a range, or is all that is left of one.
#
# In crontabs Sunday is 0 and 7 (https://man7.org/linux/man-pages/man5/crontab.5.html), so that "5-7" is Friday to Sunday. All three libraries take a
# 7: none throws, and the README of cronosjs has "0-7" for the field. So you would expect Sunday. But @breejs/later runs "7" a day early, on
# Saturdays, and leaves Sunday out of a range that ends with it. cronjs-matcher has Sunday by "7", and leaves it out of a range. cronosjs reads both
# correctly, but turns "0-7", every day, into Sundays only. The weekend's backup does not run on Sunday, and nothing reports it. croner 11.0.1 treats
# all of them like crontab.
#
# Seen, as the weekdays on which a job at 9:00 runs:
#   weekday      @breejs/later       cronjs-matcher       cronosjs             croner
#   7            Sat                 Sun                  Sun                  Sun
#   6,7          Sat                 Sat Sun              Sat Sun              Sat Sun
#   5-7          Fri Sat             Fri Sat              Fri Sat Sun          Fri Sat Sun
#   1-7          all but Sun         all but Sun          all                  all
#   0-7          all                 all                  Sun                  all
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts \
  @breejs/later@4.2.0 @datasert/cronjs-matcher@1.4.0 cronosjs@1.7.1 croner@11.0.1 >/dev/null 2>&1 || exit 2

cat >weekdays.mjs <<'JS'
import later from '@breejs/later';
import * as matcher from '@datasert/cronjs-matcher';
import { Cron } from 'croner';
import { CronosExpression } from 'cronosjs';

const start = new Date('2026-12-01T00:00:00Z');
const libraries = {
  '@breejs/later': (line) => later.schedule(later.parse.cron(line)).next(14, start),
  'cronjs-matcher': (line) => matcher.getFutureMatches(line, { startAt: start.toISOString(), matchCount: 14, timezone: 'UTC' }),
  cronosjs: (line) => CronosExpression.parse(line, { timezone: 'UTC' }).nextNDates(start, 14),
  croner: (line) => new Cron(line, { timezone: 'UTC' }).nextRuns(14, start),
};
const names = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const weekdays = (runs) => [...new Set(runs.map((run) => (new Date(run).getUTCDay() + 6) % 7))].sort().map((day) => names[(day + 1) % 7]).join(' ');

const all = 'Mon Tue Wed Thu Fri Sat Sun';
const allButSun = 'Mon Tue Wed Thu Fri Sat';
let isAsDescribed = true;
for (const [weekday, expected, right] of [
  ['7', ['Sat', 'Sun', 'Sun'], 'Sun'],
  ['6,7', ['Sat', 'Sat Sun', 'Sat Sun'], 'Sat Sun'],
  ['5-7', ['Fri Sat', 'Fri Sat', 'Fri Sat Sun'], 'Fri Sat Sun'],
  ['1-7', [allButSun, allButSun, all], all],
  ['0-7', [all, all, 'Sun'], all],
]) {
  const found = Object.values(libraries).map((runs) => weekdays(runs(`0 9 * * ${weekday}`)));
  console.log(`${weekday}: ${Object.keys(libraries).map((name, at) => `${name} ${found[at]}`).join('; ')}`);
  if (found.pop() !== right) process.exit(2);
  if (String(found) !== String(expected)) isAsDescribed = false;
}
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node weekdays.mjs
