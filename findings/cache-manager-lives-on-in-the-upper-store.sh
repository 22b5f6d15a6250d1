#!/usr/bin/env bash
# cache-manager 7.2.9 with Keyv 5.6.0: in a cache of two stores a value may live for twice its ttl: a read from the second store gives it a whole new
# ttl in the first.
#
# The README (https://github.com/jaredwray/cacheable/tree/main/packages/cache-manager#readme) shows such a case: memory in each process in front of a
# shared store, and `wrap(key, fn, ttl)`. You would expect a value that is written with a ttl of a minute to be gone after a minute, wherever it is
# read from. But when `wrap` finds it in the shared store, it copies it into memory with the ttl of the call, not with what is left. A process that
# reads shortly before the end has it for nearly two minutes, while the process that wrote it reads the new value: two servers of one service answer
# differently, for as long as a whole ttl.
#
# Seen, with a ttl of 600 ms, two caches A and B with a memory each and one shared store, and a source that changes from "old" to "new" at once after A's first read:
#   B after 500 ms    "old"
#   A after 700 ms    "new"
#   B after 900 ms    "old"
#   B after 1300 ms   "new"
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts cache-manager@7.2.9 keyv@5.6.0 >/dev/null 2>&1 || exit 2

cat >stores.mjs <<'JS'
import { setTimeout as pause } from 'node:timers/promises';
import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';

const shared = new Keyv();
const a = createCache({ stores: [new Keyv(), shared] });
const b = createCache({ stores: [new Keyv(), shared] });
let source = 'old';
const read = (cache) => cache.wrap('price', async () => source, 600);

const start = Date.now();
const at = (ms) => pause(Math.max(0, start + ms - Date.now()));
await read(a);
source = 'new';
await at(500);
const found = [await read(b)];
const isInTime = Date.now() - start < 590;
await at(700);
found.push(await read(a));
await at(900);
found.push(await read(b));
const isStillInTime = Date.now() - start < 1090;
await at(1300);
found.push(await read(b));
console.log(`B after 500 ms: ${found[0]}; A after 700 ms: ${found[1]}; B after 900 ms: ${found[2]}; B after 1300 ms: ${found[3]}`);
if (!isInTime || !isStillInTime) process.exit(2);
const isAsDescribed = String(found) === 'old,new,old,new';
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node stores.mjs
