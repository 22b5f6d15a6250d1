#!/usr/bin/env bash
# typebox 1.4.3: `Value.Convert` turns missing data into a value: null becomes the text "null", 0 or false, and the following check finds nothing
# wrong.
#
# `Convert` is meant for data that arrives as text, from a query string or a form: it is documented to convert "if a reasonable conversion is
# possible", and to be followed by a `Check`. So "5" becomes 5, and "12a" stays and is refused. You would expect null for a required field to stay and
# be refused, too, as it is without Convert. But null and undefined count as convertible to everything. An event without an amount is booked with 0, a
# customer is called "null", and an unanswered consent counts as refused. An empty form field becomes 0 as well. A fraction for an integer loses its
# fraction, and an integer of 16 digits in a text is rounded, when it should be refused.
#
# Seen, where `Value.Check` says true to each result:
#   Type.String()     null                        "null"
#   Type.Integer()    null                        0
#   Type.Boolean()    null                        false
#   Type.Number()     ""                          0
#   Type.Integer()    "1.9"                       1
#   Type.Integer()    "9007199254740993"          9007199254740992
#   Type.Union([Type.Integer(), Type.Null()])    undefined    0
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts typebox@1.4.3 >/dev/null 2>&1 || exit 2

cat >convert.mjs <<'JS'
import Type from 'typebox';
import { Value } from 'typebox/value';

/** The member after Convert, and whether the whole is valid before and after it. */
function converted(schema, value) {
  const event = Type.Object({ member: schema });
  const before = Value.Check(event, { member: value });
  const result = Value.Convert(event, { member: value });
  return { before, member: result.member, after: Value.Check(event, result) };
}

const control = [converted(Type.Integer(), '5'), converted(Type.Integer(), '12a')];
if (control[0].member !== 5 || !control[0].after || control[1].after) process.exit(2);
let isAsDescribed = true;
for (const [schema, value, expected] of [
  [Type.String(), null, 'null'],
  [Type.Integer(), null, 0],
  [Type.Boolean(), null, false],
  [Type.Number(), '', 0],
  [Type.Integer(), '1.9', 1],
  [Type.Integer(), '9007199254740993', 9_007_199_254_740_992],
  [Type.Union([Type.Integer(), Type.Null()]), undefined, 0],
]) {
  const { before, member, after } = converted(schema, value);
  const shown = value === undefined ? 'undefined' : JSON.stringify(value);
  console.log(`${JSON.stringify(schema)}: ${shown} (valid: ${before}) becomes ${JSON.stringify(member)} (valid: ${after})`);
  if (before || member !== expected || !after) isAsDescribed = false;
}
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node convert.mjs
