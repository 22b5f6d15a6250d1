#!/usr/bin/env bash
# Node.js 26.10.0: from the first test of a process on, `node:test` watches every promise by async_hooks. 700,000 awaits took 58 ms in a program and
# 1,437 ms in a test, so a suite that mostly awaits spends its time on the hook, and a measurement made inside a test measures the hook.
#
# The documentation of async_hooks (https://nodejs.org/api/async_hooks.html#promise-execution-tracking) says that promises are not tracked by default,
# because that is expensive; `executionAsyncId()` is then the same before and after an `await`. That of `node:test` does not say that the runner turns
# tracking on: its hook, with `init` and `destroy`, tells which test an uncaught error belongs to. With `destroy` the garbage collector has to report
# every promise as well. `node:test` has no option against it. A preloaded module that adds `trackPromises: false` to this hook has that effect.
#
# Seen:
#   in a program                                      executionAsyncId() is the same after every await; 58 ms
#   in a test                                         it differs after every await; 1,437 ms
#   in a test, with a hook that tracks no promises    as in a program; 41 ms
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund node@26.10.0 || exit 2

cat > awaits.mjs <<'JS'
import { executionAsyncId } from 'node:async_hooks';

const one = async (value) => value;

/** Returns whether promises are watched here, and the time of many awaits in milliseconds. */
export async function awaits() {
  const ids = new Set();
  for (let nth = 0; nth < 10; nth += 1) {
    await one(nth);
    ids.add(executionAsyncId());
  }
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3; round += 1) {
    const began = performance.now();
    for (let nth = 0; nth < 700_000; nth += 1) await one(nth);
    least = Math.min(least, performance.now() - began);
  }
  return { isWatched: ids.size > 1, ms: Math.round(least) };
}
JS
cat > program.mjs <<'JS'
import { awaits } from './awaits.mjs';
console.log(JSON.stringify(await awaits()));
JS
cat > test.mjs <<'JS'
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { awaits } from './awaits.mjs';
test('awaits', async () => writeFileSync('seen.json', JSON.stringify(await awaits())));
JS
cat > unwatched.cjs <<'JS'
const hooks = require('node:async_hooks');
const { createHook } = hooks;
hooks.createHook = (callbacks) => createHook({ ...callbacks, trackPromises: false });
JS

node=node_modules/.bin/node
program=$("$node" program.mjs)
"$node" test.mjs > /dev/null
tested=$(cat seen.json)
"$node" --require ./unwatched.cjs test.mjs > /dev/null
unwatched=$(cat seen.json)
printf 'in a program: %s\nin a test: %s\nin a test, with a hook that does not track promises: %s\n' "$program" "$tested" "$unwatched"
"$node" -e '
const [program, tested, unwatched] = process.argv.slice(1).map((text) => JSON.parse(text));
const holds = !program.isWatched && tested.isWatched && !unwatched.isWatched && tested.ms > 1.3 * program.ms;
console.log(holds ? "as described" : "not as described any more");
process.exit(holds ? 0 : 1);
' "$program" "$tested" "$unwatched"
