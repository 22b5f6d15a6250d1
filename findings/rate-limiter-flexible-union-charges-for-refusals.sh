#!/usr/bin/env bash
# rate-limiter-flexible 11.4.0: `RateLimiterUnion` takes points from all its limiters for a call that one of them refuses, so refused calls use up the others.
#
# The documentation (https://github.com/animir/node-rate-limiter-flexible/wiki/RateLimiterUnion) says that it combines limiters "to act as single", such as
# once a second and five times a minute. You would expect a call to count where it was let through: five are allowed in a minute, if they come a second apart.
# But every limiter is asked at once, and the ones that agree keep the points though another has refused, and the call was not made. A client that tries
# again at once, as many do after a refusal by the second's limit, empties the minute's: one call was made, and the next is possible in a minute. The
# rejection names the second's limit alone, with a second to wait, so the points that are gone elsewhere are not seen, and cannot be given back.
#
# Seen, with 1 in 0.5 seconds and 5 in 60 seconds: of five calls at once one is let through. After 0.6 seconds the next is refused, by the second limiter,
# which has counted five. The same five calls 0.6 seconds apart are all let through. Two limiters asked one after the other let it through as well.
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts rate-limiter-flexible@11.4.0 >/dev/null 2>&1 || exit 2

cat >union.mjs <<'JS'
import { setTimeout as wait } from 'node:timers/promises';
import { RateLimiterMemory, RateLimiterUnion } from 'rate-limiter-flexible';

const limiters = () => [
  new RateLimiterMemory({ keyPrefix: 'short', points: 1, duration: 0.5 }),
  new RateLimiterMemory({ keyPrefix: 'long', points: 5, duration: 60 }),
];
/** "passed", or the names of the limiters that have refused. */
const outcome = (union) =>
  union.consume('client').then(
    () => 'passed',
    (refusals) => Object.keys(refusals).join(' '),
  );

const [short, long] = limiters();
const union = new RateLimiterUnion(short, long);
const burst = [];
for (let call = 0; call < 5; call += 1) burst.push(await outcome(union));
const { consumedPoints } = await long.get('client');
await wait(600);
const next = await outcome(union);
console.log(`five at once: ${burst.join(', ')}; counted by the long one: ${consumedPoints}; 0.6 seconds later: ${next}`);

const calm = new RateLimiterUnion(...limiters());
const apart = [];
for (let call = 0; call < 5; call += 1) {
  if (call > 0) await wait(600);
  apart.push(await outcome(calm));
}
console.log(`five, 0.6 seconds apart: ${apart.join(', ')}`);

/** Asks the second limiter only if the first has agreed. */
const [first, second] = limiters();
const chained = { consume: (key) => first.consume(key).then(() => second.consume(key)) };
const passes = (limiter) =>
  limiter.consume('client').then(
    () => 'passed',
    () => 'refused',
  );
const inTurn = [];
for (let call = 0; call < 5; call += 1) inTurn.push(await passes(chained));
await wait(600);
inTurn.push(await passes(chained));
console.log(`five at once, and one, with one limiter asked after the other: ${inTurn.join(', ')}`);
if (apart.join() !== 'passed,passed,passed,passed,passed' || inTurn.join() !== 'passed,refused,refused,refused,refused,passed') process.exit(2);
const isAsDescribed = burst.join() === 'passed,short,short,short,short' && consumedPoints === 5 && next === 'long';
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit(isAsDescribed ? 0 : 1);
JS
node union.mjs
