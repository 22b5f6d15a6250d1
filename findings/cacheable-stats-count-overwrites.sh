#!/usr/bin/env bash
# cacheable 2.5.0: `stats.count`, documented as the number of keys in the cache, counts writes: one key that is written a hundred times is a hundred keys.
#
# The documentation (https://github.com/jaredwray/cacheable/tree/main/packages/cacheable#cacheable-statistics-instance-only) describes `count` as the
# number of keys, and `vsize` and `ksize` as the sizes of the values and the keys in the cache. They look like gauges, suitable for an alarm on a
# cache that grows without bound. But every set adds to all three, whether or not the key existed; an expiring key subtracts nothing; and a delete
# subtracts one from the count, however often the key was written. So a cache that rewrites a few keys every second looks like a leak: after an hour
# the count is 3,600 times too high. `gets` counts a getMany() as one, and `hits` and `misses` count its keys, so that the two add up to more than
# there were gets.
#
# Seen, as stats.count beside the keys that the primary store has:
#   one key, set 100 times                              100    1
#   then 50 ms later, where its ttl was 10 ms           100    0
#   a key, set twice and deleted                        1      0
#   getMany() of four keys of which two are there       gets 1, hits 2, misses 2
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts cacheable@2.5.0 >/dev/null 2>&1 || exit 2

cat >stats.mjs <<'JS'
import { setTimeout as wait } from 'node:timers/promises';
import { Cacheable } from 'cacheable';

/** What stats.count says, and how many of the keys are there. */
async function counts(cache, names) {
  const { count } = cache.stats;
  let keys = 0;
  for (const name of names) if (await cache.primary.has(name)) keys += 1;
  return `${count} ${keys}`;
}

const written = new Cacheable({ stats: true });
for (let times = 0; times < 100; times += 1) await written.set('rate', { value: times }, 10_000);
const overwritten = await counts(written, ['rate']);

const brief = new Cacheable({ stats: true });
for (let times = 0; times < 100; times += 1) await brief.set('rate', { value: times }, 10);
await wait(50);
await brief.get('rate');
const expired = await counts(brief, ['rate']);

const emptied = new Cacheable({ stats: true });
await emptied.set('rate', 1);
await emptied.set('rate', 2);
await emptied.delete('rate');
const deleted = await counts(emptied, ['rate']);

const many = new Cacheable({ stats: true });
await many.set('a', 1);
await many.set('b', 1);
await many.getMany(['a', 'b', 'c', 'd']);
const { gets, hits, misses } = many.stats;
console.log(`set 100 times: ${overwritten}; expired: ${expired}; set twice and deleted: ${deleted}`);
console.log(`getMany: gets ${gets}, hits ${hits}, misses ${misses}`);
const isAsDescribed =
  overwritten === '100 1' && expired === '100 0' && deleted === '1 0' && gets === 1 && hits === 2 && misses === 2;
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit(isAsDescribed ? 0 : 1);
JS
node stats.mjs
