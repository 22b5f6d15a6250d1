#!/usr/bin/env bash
# opossum 10.0.0: a circuit breaker with a `capacity` of 2 lets ten calls run at a time once calls time out.
#
# `capacity` is documented (https://nodeshift.dev/opossum/) as the number of concurrent requests: while that many calls of the function are executing,
# further ones are rejected "until at least one of the current requests completes". It is meant to protect a database, or a service with few
# connections, from a pile of calls just when it is slow. But at the time-out opossum frees the call's place, while the function, which nobody has
# stopped, is still running. So the limit holds while the service is quick and does not need it. When it is slow, each time-out lets one more call
# through, until the circuit opens, and as many again each time it tries. `stats.semaphoreRejections` stays 0 meanwhile.
#
# Seen, with capacity 2, a time-out of 50 ms, and a function of 1.5 seconds, for five times two calls, each two once the two before have timed out: ten are
# executing at once, and none was rejected for the capacity. Without the time-out two are executing, and the others are rejected, "Semaphore locked".
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts opossum@10.0.0 >/dev/null 2>&1 || exit 2

cat >capacity.mjs <<'JS'
import { setTimeout as wait } from 'node:timers/promises';
import CircuitBreaker from 'opossum';

async function most(timeout) {
  let executing = 0;
  let max = 0;
  const slow = async () => {
    executing += 1;
    max = Math.max(max, executing);
    await wait(1_500);
    executing -= 1;
  };
  const breaker = new CircuitBreaker(slow, { capacity: 2, timeout, volumeThreshold: 100 });
  const calls = [];
  for (let times = 0; times < 5; times += 1) {
    for (const call of [breaker.fire(), breaker.fire()]) {
      calls.push(
        call.then(
          () => 'done',
          ({ message }) => message,
        ),
      );
    }
    await wait(120);
  }
  const reasons = await Promise.all(calls);
  const rejected = breaker.stats.semaphoreRejections;
  console.log(`time-out ${timeout}: at most ${max} at a time; rejected for the capacity: ${rejected}; ${[...new Set(reasons)].join(', ')}`);
  breaker.shutdown();
  return { max, rejected };
}

const without = await most(false);
if (without.max !== 2 || without.rejected !== 8) process.exit(2);
const { max, rejected } = await most(50);
const isAsDescribed = max === 10 && rejected === 0;
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit(isAsDescribed ? 0 : 1);
JS
node capacity.mjs
