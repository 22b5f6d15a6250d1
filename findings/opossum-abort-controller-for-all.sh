#!/usr/bin/env bash
# opossum 10.0.0: with an `abortController`, one call that times out aborts all the others that are running, and then every later one, while the circuit is
# closed; `autoRenewAbortController` does not help.
#
# The README (https://github.com/nodeshift/opossum#abortcontroller-support) offers the option to abort a running request when its time-out has
# passed, and `autoRenewAbortController` so that the controller "can be reused properly". You would expect the slow call to be aborted, and no other. But there is
# one controller for all calls: the quick ones beside the slow one are aborted with it, though their time was not over. And a new one is made only
# when the circuit opens and closes again. One time-out among many good calls does not open it, so from then on each call gets a signal that is
# aborted already, fails before it has begun, and counts against the server, until those failures are enough to open the circuit.
#
# Seen, with a time-out of 400 ms, and functions that pass the signal on: a call of 5 seconds times out; beside it one that needs 300 ms more and has run for 200
# is aborted; then, on a closed circuit, three calls of 10 ms fail with "The operation was aborted". Without the options: all but the slow one succeed.
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts opossum@10.0.0 >/dev/null 2>&1 || exit 2

cat >abort.mjs <<'JS'
import { setTimeout as wait } from 'node:timers/promises';
import CircuitBreaker from 'opossum';

/** What became of a slow call, of one beside it, and of three after it. */
async function outcomes(options) {
  const breaker = new CircuitBreaker((milliseconds, signal) => wait(milliseconds, 'ok', { signal, ref: false }), {
    timeout: 400,
    volumeThreshold: 10,
    ...options,
  });
  const call = (milliseconds) => breaker.fire(milliseconds, breaker.getSignal()).catch(({ message }) => message);
  const slow = call(5_000);
  await wait(200);
  const beside = call(300);
  const seen = { slow: await slow, beside: await beside, later: [] };
  for (let times = 0; times < 3; times += 1) seen.later.push(`${await call(10)}, ${breaker.closed ? 'closed' : 'open'}`);
  breaker.shutdown();
  return seen;
}

const without = await outcomes({});
console.log('without:', without);
const seen = await outcomes({ abortController: new AbortController(), autoRenewAbortController: true });
console.log('with autoRenewAbortController:', seen);
const timedOut = 'Timed out after 400ms';
if (without.slow !== timedOut || without.beside !== 'ok' || without.later.some((later) => later !== 'ok, closed')) process.exit(2);
const aborted = 'The operation was aborted';
const isAsDescribed = seen.slow === timedOut && seen.beside === aborted && seen.later.every((later) => later === `${aborted}, closed`);
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit(isAsDescribed ? 0 : 1);
JS
node abort.mjs
