#!/usr/bin/env bash
# cron-parser 5.10.5: on a day on which the clocks change, `prev()` has other runs than `next()`, and at a change at midnight it fails.
#
# A scheduler plans with `next()`, and after a restart asks `prev()` which run should have been the last one, to make up for a missed run. The README
# says that changes of the clocks are handled "correctly", so you would expect both to walk the same runs. In spring, when a run is moved because its
# hour does not exist, only `next()` has it: a restart on that day does not notice the missed run. In autumn, when the hour comes twice, `next()` has
# one run, and `prev()` two: a restart between makes up for a run that was never planned. Where the clocks go forward at midnight, as in Chile, Egypt,
# Lebanon and Cuba, `prev()` of a daily `0 0 * * *` throws "Invalid expression, loop limit exceeded" from that day backwards, so it gives no answer at
# all. On Lord Howe Island, whose clocks change by half an hour, `next()` of an hourly `0 * * * *` throws it as well.
#
# Seen, as moments in UTC of the day of the change (`prev()` from the next noon backwards, `next()` from the noon before):
#   30 2 * * *    Europe/Berlin          2026-03-29     next: 01:30           prev: none
#   30 2 * * *    Europe/Berlin          2026-10-25     next: 00:30           prev: 01:30 00:30
#   0 0 * * *     America/Santiago       2026-09-06     next: 04:00           prev: loop limit exceeded
#   0 0 * * *     Africa/Cairo           2026-04-23     next: 22:00           prev: loop limit exceeded
#   0 * * * *     Australia/Lord_Howe    2026-04-04     next: loop limit exceeded
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts cron-parser@5.10.5 >/dev/null 2>&1 || exit 2

cat >days.mjs <<'JS'
import { CronExpressionParser } from 'cron-parser';

/** The runs of a day of UTC by one direction, in the order in which they come, or the error. */
function runsOf(direction, pattern, tz, day) {
  const noon = Date.parse(`${day}T12:00:00Z`);
  const currentDate = new Date(noon + (direction === 'next' ? -86_400_000 : 86_400_000));
  const expression = CronExpressionParser.parse(pattern, { currentDate, tz });
  const runs = [];
  try {
    for (let count = 0; count < 40; count += 1) runs.push(expression[direction]().toISOString());
  } catch (error) {
    return error.message;
  }
  return runs
    .filter((run) => run.startsWith(day))
    .map((run) => run.slice(11, 16))
    .join(' ');
}

const failure = 'Invalid expression, loop limit exceeded';
let isAsDescribed = true;
for (const [pattern, zone, day, next, prev] of [
  ['30 2 * * *', 'Europe/Berlin', '2026-03-29', '01:30', ''],
  ['30 2 * * *', 'Europe/Berlin', '2026-10-25', '00:30', '01:30 00:30'],
  ['0 0 * * *', 'America/Santiago', '2026-09-06', '04:00', failure],
  ['0 0 * * *', 'Africa/Cairo', '2026-04-23', '22:00', failure],
  ['0 * * * *', 'Australia/Lord_Howe', '2026-04-04', failure],
]) {
  const found = [runsOf('next', pattern, zone, day), prev === undefined ? undefined : runsOf('prev', pattern, zone, day)];
  console.log(`${pattern} ${zone} ${day}: next ${found[0] || 'none'}; prev ${found[1] === undefined ? 'not asked' : found[1] || 'none'}`);
  if (found[0] !== next || found[1] !== prev) isAsDescribed = false;
}
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node days.mjs
