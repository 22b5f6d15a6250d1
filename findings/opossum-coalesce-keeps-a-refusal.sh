#!/usr/bin/env bash
# opossum 10.0.0: with `coalesce`, a call that was refused because all places were taken is refused for ten more seconds, when all are free, and
# `coalesceResetOn` does not change it.
#
# `coalesce` lets calls with the same arguments share one. The README (https://github.com/nodeshift/opossum#coalesce-calls) recommends it together
# with `capacity`, which limits how many run at a time, and says that with "error, success, timeout" in `coalesceResetOn` "only concurrent 'running'
# calls are coalesced", so that it does not stand in the way of retries. But a refusal, and an error that the function throws at once rather than by
# its promise, come while the call is being made: opossum removes the entry, and then stores it. Every call with these arguments gets that same
# rejection until `coalesceTTL` has passed, which defaults to the time-out, 10 seconds, and with 0 lasts forever. So a moment's overload, or one bad
# start, becomes an outage for one customer or one product, which no retry can end, while all others are served.
#
# Seen, with capacity 1 and reset on all three: a call for "b" while one for "a" runs is refused, "Semaphore locked". Once "a" is done, "c" is answered, and "b"
# refused 20 times, without a call of the function. The same for a function that throws at its first call: it is called once for 5 calls, and with
# an async function, which rejects in place of throwing, 5 times.
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts opossum@10.0.0 >/dev/null 2>&1 || exit 2

cat >coalesce.mjs <<'JS'
import { setTimeout as wait } from 'node:timers/promises';
import CircuitBreaker from 'opossum';

const options = { coalesce: true, coalesceResetOn: ['error', 'success', 'timeout'], volumeThreshold: 100 };
const outcome = (breaker, argument) => breaker.fire(argument).then((value) => value, ({ message }) => message);

const called = [];
const answer = async (argument) => {
  called.push(argument);
  await wait(50);
  return `answer ${argument}`;
};
const breaker = new CircuitBreaker(answer, { ...options, capacity: 1 });
const first = outcome(breaker, 'a');
const refused = await outcome(breaker, 'b');
console.log(`a: ${await first}; b meanwhile: ${refused}`);
const other = await outcome(breaker, 'c');
const again = [];
for (let times = 0; times < 20; times += 1) again.push(await outcome(breaker, 'b'));
console.log(`c: ${other}; b then: ${[...new Set(again)].join(', ')}; the function was called for ${called.join(' ')}; open: ${breaker.opened}`);

/** How often a function that fails at its first call is called for five calls of the breaker, one after the other. */
async function callsOf(fails) {
  let calls = 0;
  const action = () => {
    calls += 1;
    return calls === 1 ? fails() : Promise.resolve('ok');
  };
  const breaker = new CircuitBreaker(action, options);
  const outcomes = [];
  for (let times = 0; times < 5; times += 1) outcomes.push(await outcome(breaker, 'a'));
  console.log(`${calls} of 5 calls: ${outcomes.join(', ')}`);
  breaker.shutdown();
  return calls;
}
const throws = () => {
  throw new Error('not ready');
};
const rejecting = await callsOf(() => Promise.reject(new Error('not ready')));
const throwing = await callsOf(throws);
if (other !== 'answer c' || refused !== 'Semaphore locked' || rejecting !== 5) process.exit(2);
const isAsDescribed = again.every((message) => message === refused) && called.join(' ') === 'a c' && throwing === 1;
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit(isAsDescribed ? 0 : 1);
JS
node coalesce.mjs
