#!/usr/bin/env bash
# cloudevents 10.0.0 (the JavaScript SDK): with CE_USE_BIG_INT=true the first event that is read replaces the JSON object of the whole process.
#
# The README offers the variable against large integers that lose digits in an event's data, and warns only that parsing gets slower. You would expect
# it to concern the events that the SDK reads. But the SDK assigns json-bigint to the global `JSON`. From then on all code of the process, libraries
# included, parses with it: an integer of more than 15 digits is a BigInt, objects have no prototype, invalid JSON is accepted (`01`), and valid JSON
# is refused (a member named "constructor", a large number with a fraction). JSON.stringify writes a BigInt instead of throwing. So the result of a
# line of code depends on whether an event has arrived before.
#
# Seen, before the first event and after it:
#   typeof JSON.parse('{"n":12345678901234567}').n      number                   bigint
#   JSON.parse('{}').hasOwnProperty                     a function               undefined
#   JSON.parse('{"total":123456789012345678.5}')        an object                an error
#   JSON.parse('01')                                    an error                 1
#   JSON.stringify({ n: 1n })                           an error                 {"n":1}
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts cloudevents@10.0.0 >/dev/null 2>&1 || exit 2

cat >replaced.mjs <<'JS'
import { HTTP } from 'cloudevents';

const attempt = (call) => {
  try {
    return String(call());
  } catch {
    return 'an error';
  }
};
/** What code of the same process, which has nothing to do with events, is answered. */
const answers = () => [
  attempt(() => typeof JSON.parse('{"n":12345678901234567}').n),
  attempt(() => typeof JSON.parse('{}').hasOwnProperty),
  attempt(() => typeof JSON.parse('{"total":123456789012345678.5}')),
  attempt(() => JSON.parse('01')),
  attempt(() => JSON.stringify({ n: 1n })),
];

const before = answers();
HTTP.toEvent({
  headers: { 'content-type': 'application/json', 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/stock', 'ce-type': 'changed' },
  body: '{"left":5}',
});
const after = answers();
console.log('before the first event:', before.join(' | '));
console.log('after it:              ', after.join(' | '));
if (before.join() !== 'number,function,object,an error,an error') process.exit(2);
process.exitCode = after.join() === 'bigint,undefined,an error,1,{"n":1}' ? 0 : 1;
JS
CE_USE_BIG_INT=true node replaced.mjs
