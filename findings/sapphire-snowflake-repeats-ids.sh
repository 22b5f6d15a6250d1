#!/usr/bin/env bash
# @sapphire/snowflake 3.5.5: `generate()` returns the same id twice once more than 4,096 are taken in a millisecond, which a loop does.
#
# A snowflake has a millisecond, a worker, a process and an increment of 12 bits. The README
# (https://github.com/sapphiredev/utilities/tree/main/packages/snowflake) presents them as unique ids, for keys in a database among other things.
# Generators of that kind, Twitter's first, wait for the next millisecond when the 4,096 increments of one are used up. You would expect the same
# here, or an error. But the increment restarts at 0 in the same millisecond. A loop that numbers a batch gets duplicates on a fast machine, and none
# on a slow one, where a test passes. With a `timestamp` that is passed, as for rows with a date of their own, the id of row 4,097 of one millisecond
# is that of row 1 on any machine. Neither are the ids in order: after the highest of a millisecond comes its lowest.
#
# Seen, for 10,000 ids with one timestamp: 4,096 distinct ones; the id at 4,096 equals that at 0; it is lower than the one before. For 400,000 in a loop on the
# clock: thousands fewer than 400,000 on a machine that makes more than 4,096 in a millisecond (the script prints the number, and does not judge it).
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts @sapphire/snowflake@3.5.5 >/dev/null 2>&1 || exit 2

cat >ids.mjs <<'JS'
import { Snowflake } from '@sapphire/snowflake';

const snowflake = new Snowflake(new Date('2020-01-01T00:00:00Z'));
const timestamp = Date.parse('2026-01-01T00:00:00Z');
const ids = Array.from({ length: 10_000 }, () => snowflake.generate({ timestamp }));
const onTheClock = Array.from({ length: 400_000 }, () => snowflake.generate());
console.log(`one timestamp: ${new Set(ids).size} distinct of ${ids.length}`);
console.log(`on the clock: ${new Set(onTheClock).size} distinct of ${onTheClock.length}`);
const isAsDescribed = new Set(ids).size === 4096 && ids[4096] === ids[0] && ids.some((id, at) => at > 0 && id < ids[at - 1]);
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node ids.mjs
