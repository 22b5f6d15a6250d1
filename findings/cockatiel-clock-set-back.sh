#!/usr/bin/env bash
# Cockatiel 4.0.0: a circuit breaker that is open stays open for as long as the wall clock is set back.
#
# `circuitBreaker({ halfOpenAfter: 1000 })` lets a call through a second after it opened. It measures the second by `Date.now()`. If the clock is set
# back an hour meanwhile, it refuses every call for an hour and a second, although the server is fine.
#
# Seen: two seconds of elapsed time after the circuit opened, with the clock set back an hour, a call is refused with
# "Execution prevented because the circuit breaker is open". With the clock untouched the same call goes through.
#
# Exits 0 as long as Cockatiel does this.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts cockatiel@4.0.0

cat > circuit.mjs <<'JS'
import { setTimeout as pause } from 'node:timers/promises';
import { circuitBreaker, ConsecutiveBreaker, handleAll } from 'cockatiel';

/** What comes of a call two seconds after a circuit opened whose pause is one second. */
async function callAfterThePause(setBackMs) {
  const breaker = circuitBreaker(handleAll, { halfOpenAfter: 1_000, breaker: new ConsecutiveBreaker(1) });
  await breaker.execute(() => Promise.reject(new Error('down'))).catch(() => undefined);
  const dateNow = Date.now;
  Date.now = () => dateNow() - setBackMs;
  await pause(2_000);
  const outcome = await breaker.execute(() => 'made').catch((error) => `refused: ${error.message}`);
  Date.now = dateNow;
  return outcome;
}

const untouched = await callAfterThePause(0);
const setBack = await callAfterThePause(3_600_000);
console.log('with the clock untouched the call is', untouched);
console.log('with the clock set back an hour the call is', setBack);
const isAsDescribed = untouched === 'made' && /^refused: .*circuit breaker is open/.test(setBack);
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit(isAsDescribed ? 0 : 1);
JS
node circuit.mjs
