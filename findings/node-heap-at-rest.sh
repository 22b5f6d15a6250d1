#!/usr/bin/env bash
# Node.js 26.10.0 (npm package node@26.10.0): memory that work took is not returned until 100 seconds after the last full collection, although V8 looks
# every eight seconds whether the heap rests.
#
# V8 returns memory with a collection of its memory reducer, which begins once little is allocated: in the young generation, in the old one, and by
# embedders, as objects of C++. Since V8 13.1 a rate of exactly zero counts as the highest. A program that makes no objects of C++ has that rate, so
# each look finds it busy, and only the reducer's watchdog collects. A collection for another reason meanwhile puts the watchdog off again.
# Reported as https://github.com/nodejs/node/issues/66564.
#
# A program can make one such object when its work is over: new vm.Script('0'). The next look finds a rate that is high for so short a time, the one
# after it a rate that is low and not zero.
#
# Exits 0 as long as all looks, five at least, find a resting heap busy, and a script makes one find it at rest; 1 once they do not, 2 when the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true}' >package.json
npm install --silent --no-audit --no-fund node@26.10.0 >/dev/null 2>&1 || exit 2

cat >rest.mjs <<'JS'
import { Script } from 'node:vm';
globalThis.kept = Array.from({ length: 300_000 }, (_, at) => ({ at, text: `${at}` }));
globalThis.gc();
if (process.argv[2] === 'script') new Script('0');
setTimeout(() => {}, 3_000);
JS
node=node_modules/.bin/node
echo "version $("$node" --version)"
looks() {
  "$node" --expose-gc --memory-reducer-delay-ms=200 --gc-memory-reducer-start-delay-ms=200 --trace-memory-reducer rest.mjs "$1" |
    sed -nE 's/.*Memory reducer: (low|high) alloc.*/\1/p' | awk 'NR <= 10 { count[$1]++ } END { printf "%d high, %d low", count["high"], count["low"] }'
}
without=$(looks none) || exit 2
with=$(looks script) || exit 2
echo "looks without a script: $without; with one: $with"
[[ "$without" =~ ^([5-9]|10)\ high,\ 0\ low$ && "$with" != *' 0 low' ]]
