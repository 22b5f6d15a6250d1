#!/usr/bin/env bash
# JSONStream 1.3.5: the same member of a stream is a number, a text, a rounded number or missing, depending on its value.
#
# `JSONStream.parse('rows.*.id')` emits the values under a path, for documents that are too large for JSON.parse
# (https://github.com/dominictarr/JSONStream#readme). One expects the values that JSON.parse would give. But a positive integer that a double does not
# hold, or prints with an exponent, comes as a text; a negative one of the same size comes rounded, as does one with a fraction. And `null` under the
# path is left out, because a stream of objects ends by null. So ids are numbers until one passes 9,007,199,254,740,992, and from there on `id + 1`
# appends a digit, `===` with a number is false, and of two columns that are read by two paths and put side by side, one is shorter.
#
# Seen, of the members in [7, null, 9007199254740993, -9007199254740993, 9007199254740993.0, 1000000000000000000000, 8]:
#   JSONStream     7, "9007199254740993", -9007199254740992, 9007199254740992, "1000000000000000000000", 8
#   JSON.parse     7, null, 9007199254740992, -9007199254740992, 9007199254740992, 1e+21, 8
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts JSONStream@1.3.5 >/dev/null 2>&1 || exit 2

cat >values.mjs <<'JS'
import JSONStream from 'JSONStream';

const numbers = '7,null,9007199254740993,-9007199254740993,9007199254740993.0,1000000000000000000000,8';
const rows = numbers.split(',').map((number) => `{"id":${number}}`);
const found = await new Promise((resolve, reject) => {
  const values = [];
  const parser = JSONStream.parse('rows.*.id');
  parser.on('data', (value) => values.push(value));
  parser.on('error', reject);
  parser.on('end', () => resolve(values));
  parser.end(`{"rows":[${rows}]}`);
});
const isAsDescribed =
  JSON.stringify(found) === '[7,"9007199254740993",-9007199254740992,9007199254740992,"1000000000000000000000",8]';
console.log('JSONStream:', JSON.stringify(found));
console.log('JSON.parse:', JSON.stringify(JSON.parse(`[${numbers}]`)));
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node values.mjs
