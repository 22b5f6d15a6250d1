#!/usr/bin/env bash
# Node.js 26.10.0 (npm package node@26.10.0), node:test, mock.timers.
#
# A Timeout of the mocked setTimeout has a method refresh(), as a real one has. It returns the timer and does nothing else: called before the time is
# up it does not postpone the callback, and called after the callback it does not arm the timer again. There is no error and no warning. So code that
# postpones work with refresh(), such as an idle time-out, behaves differently in a test than in production.
#
# Seen: with a real timer of 200 ms, refreshed after 120 ms and once more when it has rung, the callback runs twice, the first time
# 320 ms after the start. With a mocked timer of 2,000 ms, refreshed after 1,500, the callback runs at 2,000 and never again.
#
# Exits 0 while that is so, 1 once a mocked timer heeds refresh(), 2 when the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true}' >package.json
npm install --silent --no-audit --no-fund node@26.10.0 >/dev/null 2>&1 || exit 2

cat >real.mjs <<'JS'
const start = performance.now();
const rings = [];
const timer = setTimeout(() => {
  rings.push(performance.now() - start);
  if (rings.length === 1) timer.refresh();
}, 200);
setTimeout(() => timer.refresh(), 120);
setTimeout(() => {
  console.log(rings.length === 2 && rings[0] >= 300 ? 'heeded' : 'ignored');
}, 1_500);
JS
cat >mocked.mjs <<'JS'
import { mock } from 'node:test';
mock.timers.enable({ apis: ['setTimeout'] });
const rings = [];
let now = 0;
const timer = setTimeout(() => rings.push(now), 2_000);
const tick = (ms) => {
  now += ms;
  mock.timers.tick(ms);
};
tick(1_500);
const isTimer = timer.refresh() === timer;
tick(500);
const rangAt2000 = rings.length === 1;
tick(1_500);
timer.refresh();
tick(10_000);
console.log(isTimer && rangAt2000 && rings.length === 1 ? 'ignored' : 'heeded');
JS
node=node_modules/.bin/node
echo "version $("$node" --version)"
real=$("$node" real.mjs) || exit 2
mocked=$("$node" mocked.mjs) || exit 2
echo "refresh() of a real timer: $real; of a mocked timer: $mocked"
[ "$real" = heeded ] || exit 2
[ "$mocked" = ignored ]
