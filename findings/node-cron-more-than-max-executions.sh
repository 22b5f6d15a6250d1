#!/usr/bin/env bash
# node-cron 4.6.0: a task with `maxExecutions: 1` runs several times, if a run lasts longer than the time to the next one.
#
# The documentation (https://nodecron.com/scheduling-options) calls `maxExecutions` a limit on how many times the task executes, after which the task
# is destroyed. So `maxExecutions: 1` seems to mean "the next time, and then never again". But the count is compared with the limit when a run ends,
# not when one begins. While the first run is in progress, the schedule keeps starting others. A task meant to run once, such as a nightly migration
# that takes more than a minute under a pattern that matches every minute, starts again while it is running. `runsLeft()` returns 0 from the first
# start on, and the event `execution:maxReached` is emitted once per run instead of once. With `noOverlap: true` there is one run.
#
# Seen, for a task of 3.5 seconds that is due each second: it starts 4 times with `maxExecutions: 1`, of which 3 start while runsLeft() is 0, and
# `execution:maxReached` comes 4 times. With `noOverlap: true` it starts once, and so does a task that ends at once.
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts node-cron@4.6.0 >/dev/null 2>&1 || exit 2

cat >limit.mjs <<'JS'
import { setTimeout as wait } from 'node:timers/promises';
import cron from 'node-cron';

const logger = Object.fromEntries(['info', 'warn', 'error', 'debug'].map((level) => [level, () => undefined]));

/** Schedules a task for each second that may run once, and counts its runs. */
function scheduled(milliseconds, options) {
  const counts = { started: 0, startedWithNoneLeft: 0, reached: 0 };
  const task = cron.createTask(
    '* * * * * *',
    async () => {
      // The run that begins is counted before it begins.
      if (counts.started > 0 && task.runsLeft() === 0) counts.startedWithNoneLeft += 1;
      counts.started += 1;
      await wait(milliseconds);
    },
    { maxExecutions: 1, logger, ...options },
  );
  task.on('execution:maxReached', () => {
    counts.reached += 1;
  });
  task.start();
  return counts;
}

const long = scheduled(3_500, {});
const withoutOverlap = scheduled(3_500, { noOverlap: true });
const short = scheduled(0, {});
await wait(10_000);
console.log('3.5 seconds long:', long);
console.log('3.5 seconds long, without overlap:', withoutOverlap);
console.log('ends at once:', short);
if (withoutOverlap.started !== 1 || short.started !== 1) process.exit(2);
const isAsDescribed = long.started > 1 && long.startedWithNoneLeft === long.started - 1 && long.reached === long.started;
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit(isAsDescribed ? 0 : 1);
JS
node limit.mjs
