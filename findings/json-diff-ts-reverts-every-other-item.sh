#!/usr/bin/env bash
# json-diff-ts 4.10.4: `revertChangeset` reverts only every other item appended to an array, and an atomized change set removes only every other one.
#
# The README (https://github.com/ltwlf/json-diff-ts#readme) offers `diff`, `applyChangeset` and `revertChangeset` for undo and redo, and
# `atomizeChangeset` with `unatomizeChangeset` for storing a change set as single changes. So you would expect the first state after a revert, and the
# same result from a change set and from its stored form. In arrays without keys items are known by their index. `applyChangeset` removes the highest
# index first; a revert, and a change set that comes out of `unatomizeChangeset`, remove from the lowest up, while each removal moves the rest to
# lower indexes. With a single item everything works, so a short test passes. With two, one stays, without an error.
#
# Seen, as `lines` after the operation:
#   revert of ["a"] to ["a", "b"]                       ["a"]
#   revert of ["a"] to ["a", "b", "c"]                  ["a", "c"]
#   revert of [] to [1, 2, 3, 4]                        [2, 4]
#   stored change from ["a", "b", "c"] to ["a"]         ["a", "c"]
#   the same change set, not stored                     ["a"]
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts json-diff-ts@4.10.4 >/dev/null 2>&1 || exit 2

cat >undo.mjs <<'JS'
import { applyChangeset, atomizeChangeset, diff, revertChangeset, unatomizeChangeset } from 'json-diff-ts';

const reverted = (from, to) => revertChangeset({ lines: [...to] }, diff({ lines: from }, { lines: to })).lines;
const applied = (from, to) => applyChangeset({ lines: [...from] }, diff({ lines: from }, { lines: to })).lines;
const stored = (from, to) => {
  const changes = JSON.parse(JSON.stringify(atomizeChangeset(diff({ lines: from }, { lines: to }))));
  return applyChangeset({ lines: [...from] }, unatomizeChangeset(changes)).lines;
};

const found = [
  reverted(['a'], ['a', 'b']),
  reverted(['a'], ['a', 'b', 'c']),
  reverted([], [1, 2, 3, 4]),
  stored(['a', 'b', 'c'], ['a']),
  applied(['a', 'b', 'c'], ['a']),
];
const expected = [['a'], ['a', 'c'], [2, 4], ['a', 'c'], ['a']];
for (const lines of found) console.log(JSON.stringify(lines));
const isAsDescribed = JSON.stringify(found) === JSON.stringify(expected);
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node undo.mjs
