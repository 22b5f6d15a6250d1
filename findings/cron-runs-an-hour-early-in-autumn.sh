#!/usr/bin/env bash
# cron 4.4.0: on the night on which the clocks go back, a job for the hour after the change also runs an hour early, at a time that does not match its
# pattern.
#
# Europe/Berlin has two hours from 02:00 to 03:00 on 2026-10-25, and one from 03:00 on. A job for 02:30, in the hour that comes twice, runs once, as
# you would hope. A job for 03:05, which is outside that hour and due at an unambiguous time, runs at 02:05, in the second of the two hours, and again
# at 03:05. Where the clocks go back at midnight, the hour after the change is the first of the day: a daily job for 00:00 also runs at 23:00 of the
# previous day, and processes that day a second time. Neither the README nor the pattern suggests a run in another hour.
#
# Seen, as local times, of a job that runs while the mocked clock of node:test goes on by the minute:
#   5 3 * * *     Europe/Berlin, 2026-10-25         02:05 and 03:05
#   30 2 * * *    America/New_York, 2026-11-01      01:30 and 02:30
#   0 0 * * *     America/Santiago, 2026-04-05      23:00 of the day before, and 00:00
#   0 0 * * *     Africa/Cairo, 2026-10-30          23:00 of the day before, and 00:00
#   30 2 * * *    Europe/Berlin, 2026-10-25         02:30, once
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts cron@4.4.0 >/dev/null 2>&1 || exit 2

cat >autumn.mjs <<'JS'
import { mock } from 'node:test';
import { CronJob } from 'cron';

/** The local times of a job's runs in the 26 hours from this moment on. */
function runsOf(cronTime, timeZone, from) {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.parse(from) });
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone, day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const local = () => {
    const part = Object.fromEntries(clock.formatToParts(new Date()).map(({ type, value }) => [type, value]));
    return `${part.day} ${part.hour}:${part.minute}`;
  };
  const runs = [];
  const job = CronJob.from({ cronTime, timeZone, start: true, onTick: () => runs.push(local()) });
  for (let minutes = 0; minutes < 26 * 60; minutes += 1) mock.timers.tick(60_000);
  job.stop();
  mock.timers.reset();
  return runs.join(', ');
}

if (runsOf('5 3 * * *', 'Europe/Berlin', '2026-10-20T12:00:00Z') !== '21 03:05') process.exit(2);
let isAsDescribed = true;
for (const [pattern, timeZone, from, expected] of [
  ['5 3 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', '25 02:05, 25 03:05'],
  ['30 2 * * *', 'America/New_York', '2026-10-31T12:00:00Z', '01 01:30, 01 02:30'],
  ['0 0 * * *', 'America/Santiago', '2026-04-04T12:00:00Z', '04 23:00, 05 00:00'],
  ['0 0 * * *', 'Africa/Cairo', '2026-10-29T12:00:00Z', '29 23:00, 30 00:00'],
  ['30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', '25 02:30'],
]) {
  const found = runsOf(pattern, timeZone, from);
  console.log(`${pattern} ${timeZone}: ${found}`);
  if (found !== expected) isAsDescribed = false;
}
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node --no-warnings autumn.mjs
