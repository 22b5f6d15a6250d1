#!/usr/bin/env bash
# Node.js 26.10.0 (npm package node@26.10.0), and 20.20.2 as well: process.nextTick costs about ten times as much, for the rest of the process, once the
# garbage has been collected at a moment at which no tick was waiting.
#
# Each call makes an object with three computed keys. V8 defines such a key without a call of its runtime only while the site has met one shape, and it
# knows that shape weakly. Between two ticks nothing else has it, so a full collection takes it along; the next object has a new shape, the site has met
# two from then on, and each key is defined by a call of the runtime, whatever is compiled later. A server that loads a few hundred modules has such
# collections while it starts, before the first request, and HTTP asks for about five ticks a request: in one server they took 5 of 87 microseconds of the
# main thread. It comes and goes between runs, and no profile names it: the time is that of nextTick itself.
#
# A program can keep one such object alive, which keeps the shape: process.nextTick(() => { kept = executionAsyncResource(); }) before anything else.
#
# Seen, best of many rounds: 42 to 50 ns a call without a collection or with such an object kept; 420 to 440 ns after one.
#
# Exits 0 as long as the call costs at least three times as much after a collection, and less than twice as much where an object is kept;
# 1 once it does not, 2 when the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true}' >package.json
npm install --silent --no-audit --no-fund node@26.10.0 >/dev/null 2>&1 || exit 2

cat >ticks.mjs <<'JS'
import { executionAsyncResource } from 'node:async_hooks';
import { setImmediate as turn } from 'node:timers/promises';

const [isKept, collections] = [process.argv[2] === 'kept', Number(process.argv[3])];
let kept;
if (isKept) process.nextTick(() => (kept = executionAsyncResource()));
await turn();
for (let nth = 0; nth < collections; nth += 1) {
  for (let tick = 0; tick < 20; tick += 1) await new Promise((resolve) => process.nextTick(resolve));
  await turn();
  globalThis.gc();
}
const nothing = () => {};
let best = Infinity;
for (let round = 0; round < 600; round += 1) {
  const from = performance.now();
  for (let tick = 0; tick < 500; tick += 1) process.nextTick(nothing);
  best = Math.min(best, performance.now() - from);
  await turn();
}
if (isKept && kept === undefined) process.exit(2);
console.log(Math.round((best * 1e6) / 500));
JS
node=node_modules/.bin/node
echo "version $("$node" --version)"
without=$("$node" --expose-gc ticks.mjs none 0) || exit 2
after=$("$node" --expose-gc ticks.mjs none 3) || exit 2
kept=$("$node" --expose-gc ticks.mjs kept 3) || exit 2
echo "nanoseconds a call: $without without a collection, $after after three, $kept after three with an object kept"
[ "$after" -ge $((3 * without)) ] && [ "$kept" -lt $((2 * without)) ]
