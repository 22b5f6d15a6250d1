#!/usr/bin/env bash
# rfc6902 5.4.0 (the JavaScript library): after a failed `test`, the other operations of a JSON Patch are applied all the same.
#
# RFC 6902 has `test` so that a patch takes effect only where a value is as expected: "test /version is 3" before the changes is optimistic locking.
# It says (https://www.rfc-editor.org/rfc/rfc6902#section-5) that processing should stop at an operation that fails, and RFC 5789 that a PATCH is
# applied as a whole or not at all. The README of rfc6902 says that `applyPatch` changes the object in place, and returns an Error for each operation
# that failed. You would expect operations after the failed one not to be applied. But each operation is applied separately, and the caller finds a
# list of errors beside an object that has been changed. So of two writers that both read version 3, both win. fast-json-patch 3.1.2 and json8-patch
# 1.0.6 throw.
#
# Seen, for { version: 4, total: 10 } and the patch "test /version is 3, replace /total by 99":
#   rfc6902            a TestError and a null, and total is 99
#   fast-json-patch    throws, and total is 10
#   json8-patch        throws, and total is 10
# A patch of "replace /total by 99, remove /missing, replace /version by 5" leaves rfc6902's object with both replacements, and one MissingError in the list.
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts rfc6902@5.4.0 fast-json-patch@3.1.2 json8-patch@1.0.6 >/dev/null 2>&1 || exit 2

cat >locks.mjs <<'JS'
import fastJsonPatch from 'fast-json-patch';
import json8 from 'json8-patch';
import { applyPatch } from 'rfc6902';

const locked = [
  { op: 'test', path: '/version', value: 3 },
  { op: 'replace', path: '/total', value: 99 },
];

/** The state after an attempt, and the name of its errors, whether they are thrown or returned. */
function attempt(apply, patch) {
  const state = { version: 4, total: 10 };
  try {
    const results = apply(state, patch);
    return { state, errors: Array.isArray(results) ? results.map((error) => error?.name ?? null) : [] };
  } catch {
    return { state, errors: 'thrown' };
  }
}

const byRfc6902 = (state, patch) => applyPatch(state, patch);
const one = attempt(byRfc6902, locked);
const three = attempt(byRfc6902, [
  { op: 'replace', path: '/total', value: 99 },
  { op: 'remove', path: '/missing' },
  { op: 'replace', path: '/version', value: 5 },
]);
const others = [
  attempt((state, patch) => void fastJsonPatch.applyPatch(state, patch, true), locked),
  attempt((state, patch) => void json8.apply(state, patch), locked),
];
console.log('rfc6902, a failed test:', JSON.stringify(one));
console.log('rfc6902, a failed remove:', JSON.stringify(three));
console.log('fast-json-patch and json8-patch:', JSON.stringify(others));
if (others.some(({ state, errors }) => errors !== 'thrown' || state.total !== 10)) process.exit(2);
const isAsDescribed =
  JSON.stringify(one) === '{"state":{"version":4,"total":99},"errors":["TestError",null]}' &&
  JSON.stringify(three) === '{"state":{"version":5,"total":99},"errors":[null,"MissingError",null]}';
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node locks.mjs
