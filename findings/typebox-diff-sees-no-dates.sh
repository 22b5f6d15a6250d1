#!/usr/bin/env bash
# typebox 1.4.3: to `Value.Equal` and `Value.Diff` all dates are equal, and so are all maps and all sets.
#
# `Equal` is documented to be true for values that are "structurally equal", and `Diff` to give the commands that "transform the current value into
# the next value", so that `Patch(a, Diff(a, b))` is b. `Clone` of the same module copies a Date, a Map and a Set with what is in them, and `Hash`
# tells two dates apart. But Equal and Diff look at enumerable properties, and these have none. So a state whose due date has moved counts as
# unchanged: it is not saved, not sent to the others, and a patch leaves the old date. There is no error, and with numbers or texts instead of dates
# everything works.
#
# Seen, for a = { id: 1, due: 2026-01-01 } and b = { id: 1, due: 2026-06-01 }: Equal true, Diff of no edits, Patch gives 2026-01-01, while their hashes
# differ. Two maps and two sets of other members are equal as well. With the dates as texts: Equal false, one edit.
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts typebox@1.4.3 >/dev/null 2>&1 || exit 2

cat >dates.mjs <<'JS'
import { Value } from 'typebox/value';

const january = '2026-01-01T00:00:00.000Z';
const june = '2026-06-01T00:00:00.000Z';
const texts = [{ id: 1, due: january }, { id: 1, due: june }];
const [before, after] = texts.map(({ id, due }) => ({ id, due: new Date(due) }));

const copy = Value.Clone(after).due;
if (Value.Equal(...texts) || Value.Diff(...texts).length !== 1 || copy.toISOString() !== june) process.exit(2);
const isEqual = Value.Equal(before, after);
const edits = Value.Diff(before, after);
const patched = Value.Patch(before, edits).due.toISOString();
const isHashEqual = Value.Hash(before) === Value.Hash(after);
const maps = Value.Equal(new Map([['a', 1]]), new Map([['b', 2]]));
const sets = Value.Equal(new Set([1]), new Set([2, 3]));
console.log(`two dates: equal ${isEqual}, edits ${edits.length}, patched ${patched}, hashes equal ${isHashEqual}`);
console.log(`two maps: equal ${maps}; two sets: equal ${sets}`);
const isAsDescribed = isEqual && edits.length === 0 && patched === january && !isHashEqual && maps && sets;
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node dates.mjs
