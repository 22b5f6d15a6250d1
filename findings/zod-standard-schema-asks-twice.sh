#!/usr/bin/env bash
# zod 4.6.7: through the Standard Schema interface an asynchronous check begins twice for each value, and through parseAsync once.
#
# `schema['~standard'].validate(value)` first tries the schema as a synchronous one. That trial calls the check, drops its answer, and the value is
# then validated again, asynchronously. So a check that looks up a user, or counts against a rate limit, does so twice for one value, and nobody
# receives the result of the first look-up. `schema.parseAsync(value)` calls the check once. Checks after the first asynchronous one are called once
# by both.
#
# Libraries that take any Standard Schema use the interface, so this is what they see.
#
# Seen, as how often the first and the second of two asynchronous checks of an object were called for one value:
#   ~standard.validate   2 1
#   parseAsync           1 1
#
# Exits 0 as long as zod does this.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts zod@4.6.7

cat > twice.mjs <<'JS'
import * as z from 'zod';

const counted = () => {
  const calls = [0, 0];
  const check = (place) => async () => {
    calls[place] += 1;
    return true;
  };
  const schema = z.string().refine(check(0)).refine(check(1));
  return { calls, schema };
};

const standard = counted();
await standard.schema['~standard'].validate('ann');
const parsed = counted();
await parsed.schema.parseAsync('ann');
console.log('~standard.validate  ', standard.calls.join(' '));
console.log('parseAsync          ', parsed.calls.join(' '));
const isAsDescribed = standard.calls.join(' ') === '2 1' && parsed.calls.join(' ') === '1 1';
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit(isAsDescribed ? 0 : 1);
JS
node twice.mjs
