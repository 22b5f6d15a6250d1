#!/usr/bin/env bash
# node-cron 4.6.0: a task with `maxRandomDelay` runs after `stop()`, and after `destroy()`.
#
# `maxRandomDelay` spreads the runs of many tasks: each waits for a random time before it begins (https://nodecron.com/scheduling-options). If it may
# exceed the interval between runs, such as two minutes for a task that runs every minute, several runs wait at a time. `stop()` is there to pause a
# task, and `destroy()` to remove it for good, so you would expect no run after either, and close the database or hand the work to another process.
# But the scheduler remembers one waiting run, the latest, and cancels that. Earlier ones begin when their time comes, on a task whose `getStatus()`
# says "stopped" or "destroyed". If the delay is shorter than the interval, at most one run waits, and it is cancelled.
#
# Seen, for a task that is due each second and waits for 8 seconds, stopped after 5.5 seconds without any run: 4 or 5 runs begin after stop(), and as many
# after destroy(). With a delay of 0.8 seconds none begins.
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts node-cron@4.6.0 >/dev/null 2>&1 || exit 2

cat >after.mjs <<'JS'
import { setTimeout as wait } from 'node:timers/promises';
import cron from 'node-cron';

// The delay is then nearly the longest one, so that it is known how many runs wait.
Math.random = () => 0.99;
const logger = Object.fromEntries(['info', 'warn', 'error', 'debug'].map((level) => [level, () => undefined]));

function scheduled(maxRandomDelay) {
  const runs = { before: 0, after: 0, isOver: false };
  const run = () => {
    runs[runs.isOver ? 'after' : 'before'] += 1;
  };
  const task = cron.schedule('* * * * * *', run, { maxRandomDelay, logger });
  return { task, runs };
}

const tasks = { stop: scheduled(8_000), destroy: scheduled(8_000), 'stop, short delay': scheduled(800) };
await wait(5_500);
await tasks.stop.task.stop();
await tasks['stop, short delay'].task.stop();
await tasks.destroy.task.destroy();
for (const { runs } of Object.values(tasks)) runs.isOver = true;
await wait(9_500);
for (const [name, { runs, task }] of Object.entries(tasks)) {
  console.log(`${name}: ${runs.before} before, ${runs.after} after; ${task.getStatus()}`);
}
const short = tasks['stop, short delay'].runs;
if (short.before === 0 || short.after !== 0) process.exit(2);
const isAsDescribed = ['stop', 'destroy'].every((name) => tasks[name].runs.before === 0 && tasks[name].runs.after >= 3);
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit(isAsDescribed ? 0 : 1);
JS
node after.mjs
