#!/usr/bin/env bash
# cron-schedule 6.0.0: it uses the leading digits of a field that it does not understand, and runs accordingly.
#
# Its README says that it supports "all linux cron features", and lists lists, ranges, steps and names. For features that only other crons have, such
# as L, W, # and a start with a step, you would expect an error, as for `0 0 L * *`, which throws "L is NaN". But each number is read by parseInt,
# which stops at the first character that it does not know. So the last Friday of the month becomes every Friday, the second Monday every Monday, and
# every fifteen minutes from the fifth on once an hour. Whoever moves to it from another library, or lets users enter a pattern and validates it by
# parsing, gets jobs that run four times as often, a quarter as often or on a Sunday, and no error. Croner 11.0.1 reads the first three as meant and
# refuses the fourth.
#
# Seen, as the first three runs of 2026, in UTC:
#   pattern            meant                          cron-schedule                            Croner
#   0 0 * * 5L         the last Friday of a month     01-02 00:00, 01-09 00:00, 01-16 00:00    01-30, 02-27, 03-27
#   0 0 * * 1#2        the second Monday              01-05 00:00, 01-12 00:00, 01-19 00:00    01-12, 02-09, 03-09
#   0 0 15W * *        the working day near the 15    01-15 00:00, 02-15 00:00, 03-15 00:00    01-15, 02-16, 03-16
#   5/15 * * * *       at 5, 20, 35 and 50            01-01 00:05, 01-01 01:05, 01-01 02:05    an error
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts cron-schedule@6.0.0 croner@11.0.1 >/dev/null 2>&1 || exit 2

cat >fields.mjs <<'JS'
import { parseCronExpression } from 'cron-schedule';
import { Cron } from 'croner';

const from = new Date('2026-01-01T00:00:00Z');
const attempt = (runs) => {
  try {
    return runs().map((run) => run.toISOString().slice(5, 16).replace('T', ' ')).join(', ');
  } catch {
    return 'an error';
  }
};
const byCronSchedule = (pattern) => attempt(() => parseCronExpression(pattern).getNextDates(3, from));
const byCroner = (pattern) => attempt(() => new Cron(pattern, { paused: true, timezone: 'UTC' }).nextRuns(3, from));

if (byCronSchedule('0 0 L * *') !== 'an error') process.exit(2);
let isAsDescribed = true;
for (const [pattern, cronSchedule, croner] of [
  ['0 0 * * 5L', '01-02 00:00, 01-09 00:00, 01-16 00:00', '01-30 00:00, 02-27 00:00, 03-27 00:00'],
  ['0 0 * * 1#2', '01-05 00:00, 01-12 00:00, 01-19 00:00', '01-12 00:00, 02-09 00:00, 03-09 00:00'],
  ['0 0 15W * *', '01-15 00:00, 02-15 00:00, 03-15 00:00', '01-15 00:00, 02-16 00:00, 03-16 00:00'],
  ['5/15 * * * *', '01-01 00:05, 01-01 01:05, 01-01 02:05', 'an error'],
]) {
  const found = [byCronSchedule(pattern), byCroner(pattern)];
  console.log(`${pattern}: cron-schedule ${found[0]}; Croner ${found[1]}`);
  if (found[0] !== cronSchedule || found[1] !== croner) isAsDescribed = false;
}
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
TZ=UTC node fields.mjs
