#!/usr/bin/env bash
# Node.js 26.10.0 (npm package node@26.10.0), node:test, run().
#
# A program that calls run({ files }) gives each file to a process of its own. When the program is a script, a file whose only test fails is
# one failed test. When the same program is the argument of `node --eval`, the child processes inherit that argument, and run it in place
# of the file: no test of the file runs, the file counts as one test that passed, and the summary says success. A warning on the
# stderr of the child ("run() is being called recursively") is an event of the stream, which no counter has.
#
# Seen: as a script "failed 1, passed 0, success false"; by --eval "failed 0, passed 1, success true".
#
# Exits 0 while that is so, 1 once a failing test fails the run by --eval too, 2 when the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true}' >package.json
npm install --silent --no-audit --no-fund node@26.10.0 >/dev/null 2>&1 || exit 2

cat >fails.test.mjs <<'JS'
import test from 'node:test';
test('it is not true', () => {
  throw new Error('not true');
});
JS
cat >run.mjs <<'JS'
import { resolve } from 'node:path';
import { run } from 'node:test';
for await (const { type, data } of run({ files: [resolve('fails.test.mjs')] })) {
  if (type !== 'test:summary' || data.file !== undefined) continue;
  console.log(`failed ${data.counts.failed}, passed ${data.counts.passed}, success ${data.success}`);
}
JS
node=node_modules/.bin/node
echo "version $("$node" --version)"
script=$("$node" run.mjs) || exit 2
evaluated=$("$node" --input-type=module --eval "$(cat run.mjs)") || exit 2
echo "as a script: $script; by --eval: $evaluated"
[ "$script" = 'failed 1, passed 0, success false' ] || exit 2
[ "$evaluated" = 'failed 0, passed 1, success true' ]
