#!/usr/bin/env bash
# cloudevents 10.0.0 (the JavaScript SDK): `HTTP.toEvent` loses JSON data that is 0, false, "" or null, and which ones it loses depends on the mode of
# the event.
#
# The JSON format of CloudEvents lets `data` be any JSON value, and the SDK's own schema allows strings, numbers, booleans and null. So you would
# expect an event to have the same data whether it arrives alone in structured mode, alone in binary mode, or in a batch. But the structured reader
# copies only members that are truthy, and the binary reader puts quotation marks around every body that does not begin like an object, an array or a
# string. Neither reports anything. A handler of "the flag is now false", "0 are left" or "the address was removed" gets nothing, or the text "false",
# which is truthy.
#
# Seen, for one event with `datacontenttype: application/json`:
#   data     structured     binary       in a batch
#   0        undefined      "0"          0
#   false    undefined      "false"      false
#   null     undefined      "null"       null
#   ""       undefined      ""           ""
#   42       42             "42"         42
#   true     true           "true"       true
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts cloudevents@10.0.0 >/dev/null 2>&1 || exit 2

cat >modes.mjs <<'JS'
import { HTTP } from 'cloudevents';

const attributes = { specversion: '1.0', id: '1', source: '/stock', type: 'changed' };
const asJson = 'application/json';

const structured = (data) =>
  HTTP.toEvent({
    headers: { 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify({ ...attributes, datacontenttype: asJson, data }),
  }).data;
const binary = (data) =>
  HTTP.toEvent({
    headers: {
      'content-type': asJson,
      ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value])),
    },
    body: JSON.stringify(data),
  }).data;
const batched = (data) =>
  HTTP.toEvent({
    headers: { 'content-type': 'application/cloudevents-batch+json' },
    body: JSON.stringify([{ ...attributes, datacontenttype: asJson, data }]),
  })[0].data;

const shown = (value) => (value === undefined ? 'undefined' : JSON.stringify(value));
const expected = [
  [0, undefined, '0'],
  [false, undefined, 'false'],
  [null, undefined, 'null'],
  ['', undefined, ''],
  [42, 42, '42'],
  [true, true, 'true'],
];
let isAsDescribed = true;
for (const [data, inStructured, inBinary] of expected) {
  const found = [structured(data), binary(data), batched(data)];
  console.log(`data ${shown(data)}: structured ${shown(found[0])}, binary ${shown(found[1])}, in a batch ${shown(found[2])}`);
  if (batched(data) !== data) process.exit(2);
  if (found[0] !== inStructured || found[1] !== inBinary) isAsDescribed = false;
}
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node modes.mjs
