#!/usr/bin/env bash
# async-cache-dedupe 3.4.0: all sets and maps share one entry of the cache, and a text shares that of the value it prints like: the second call gets the
# first one's result.
#
# `define` wraps a function so that calls with the same argument share a result. The README (https://github.com/mcollina/async-cache-dedupe#readme)
# says that the key is computed from the argument by safe-stable-stringify, and offers `serialize` to compute it from something else. You would expect
# different arguments to have different keys, or to be refused. But JSON has no Set, Map or URLSearchParams, so each of them becomes "{}", whatever it
# contains; NaN becomes "null". And a text is used as its own key, without quotation marks, so "1" and 1 are the same, and so are "null" and null. The
# total of one basket is returned for the next; and while the first call runs its result goes to all others, even with a ttl of 0.
#
# Seen, as the results of a first call and a second:
#   total(new Set([1, 2])), total(new Set([30]))                  3, 3
#   total(new Map([['a', 1]])), total(new Map([['b', 50]]))       1, 1
#   total([1, 2]), total([30])                                    3, 30
#   kind('1'), kind(1)                                            "string", "string"
#   kind('null'), kind(null)                                      "string", "string"
#   the two sets at once, with a ttl of 0                         3, 3
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts async-cache-dedupe@3.4.0 >/dev/null 2>&1 || exit 2

cat >entries.mjs <<'JS'
import { createCache } from 'async-cache-dedupe';

const total = async (amounts) => [...amounts.values()].reduce((sum, amount) => sum + amount, 0);
const kind = async (value) => typeof value;
const withTtl = (ttl) =>
  createCache({ ttl, storage: { type: 'memory' } })
    .define('total', total)
    .define('kind', kind);

const sets = withTtl(60);
const maps = withTtl(60);
const kinds = withTtl(60);
const none = withTtl(0);
const found = {
  sets: [await sets.total(new Set([1, 2])), await sets.total(new Set([30]))],
  maps: [await maps.total(new Map([['a', 1]])), await maps.total(new Map([['b', 50]]))],
  lists: [await sets.total([1, 2]), await sets.total([30])],
  one: [await kinds.kind('1'), await kinds.kind(1)],
  nothing: [await kinds.kind('null'), await kinds.kind(null)],
  atOnce: await Promise.all([none.total(new Set([1, 2])), none.total(new Set([30]))]),
};
console.log(JSON.stringify(found));
if (String(found.lists) !== '3,30') process.exit(2);
const isAsDescribed =
  String(found.sets) === '3,3' &&
  String(found.maps) === '1,1' &&
  String(found.one) === 'string,string' &&
  String(found.nothing) === 'string,string' &&
  String(found.atOnce) === '3,3';
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node entries.mjs
