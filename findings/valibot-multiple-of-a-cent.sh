#!/usr/bin/env bash
# valibot 1.5.0 and Ajv 8.20.0: all amounts from 0.01 to 100.00 are multiples of a cent, but valibot's `multipleOf(0.01)` accepts 14 of them, and
# Ajv's `multipleOf: 0.01` all but 1,363.
#
# JSON Schema calls a number valid if dividing it by `multipleOf` gives an integer
# (https://json-schema.org/draft/2020-12/json-schema-validation#section-6.2.1), and valibot has an action of that name, which its converter to JSON
# Schema writes as that keyword. Doubles have no exact cents, so you would expect a validator to allow for rounding, as zod, typebox and effect do.
# valibot takes the remainder of a division of doubles as it comes, and refuses even 1 and 100 (its issue 1375,
# https://github.com/open-circle/valibot/issues/1375, is about 3). With 0.25 it takes all, and with 0.1 it takes 0.2, 0.4 and 0.8. Ajv asks whether
# the quotient is an integer: six of seven amounts pass, 1, 2.50, 9.99 and 29.99 among them, so that a test may well pass, and one in seven is
# refused, such as 0.29, 4.35 and 19.99. If the page validates with zod and the server with Ajv, the server refuses amounts that the page accepts.
# Ajv's option `multipleOfPrecision` helps.
#
# Seen, as how many of the 10,000 amounts are taken:
#   valibot          14, which are 0.01 times the powers of 2
#   Ajv              8637, and with multipleOfPrecision: 6 all
#   zod 4.6.7, typebox 1.4.3, effect 4.1.0    all
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts valibot@1.5.0 ajv@8.20.0 zod@4.6.7 typebox@1.4.3 effect@4.1.0 >/dev/null 2>&1 || exit 2

cat >cents.mjs <<'JS'
import { Ajv } from 'ajv';
import { Schema } from 'effect';
import Type from 'typebox';
import { Value } from 'typebox/value';
import * as v from 'valibot';
import { z } from 'zod';

const json = { type: 'number', multipleOf: 0.01 };
const ofValibot = v.pipe(v.number(), v.multipleOf(0.01));
const ofTypebox = Type.Number({ multipleOf: 0.01 });
const ofZod = z.number().multipleOf(0.01);
const takes = {
  valibot: (amount) => v.is(ofValibot, amount),
  Ajv: new Ajv().compile(json),
  'Ajv, multipleOfPrecision': new Ajv({ multipleOfPrecision: 6 }).compile(json),
  zod: (amount) => ofZod.safeParse(amount).success,
  typebox: (amount) => Value.Check(ofTypebox, amount),
  effect: Schema.is(Schema.Number.pipe(Schema.check(Schema.isMultipleOf(0.01)))),
};
const amounts = Array.from({ length: 10_000 }, (_, index) => (index + 1) / 100);
const taken = {};
for (const [name, check] of Object.entries(takes)) {
  taken[name] = amounts.filter((amount) => check(amount)).length;
  const refused = amounts.filter((amount) => !check(amount));
  console.log(`${name}: ${taken[name]} taken; refused: ${refused.slice(0, 6).join(' ') || 'none'}`);
}
const powers = Array.from({ length: 14 }, (_, power) => 0.01 * 2 ** power);
const isAsDescribed =
  taken.valibot === 14 &&
  powers.every(takes.valibot) &&
  !takes.valibot(1) &&
  taken.Ajv === 8_637 &&
  [0.29, 4.35, 19.99].every((amount) => !takes.Ajv(amount)) &&
  [1, 2.5, 9.99, 29.99].every((amount) => takes.Ajv(amount)) &&
  ['Ajv, multipleOfPrecision', 'zod', 'typebox', 'effect'].every((name) => taken[name] === 10_000);
const tenths = v.pipe(v.number(), v.multipleOf(0.1));
const quarters = v.pipe(v.number(), v.multipleOf(0.25));
const isElsewhere = [0.2, 0.4, 0.8].every((n) => v.is(tenths, n)) && !v.is(tenths, 0.5) && amounts.every((_, n) => v.is(quarters, n / 4));
console.log(isAsDescribed && isElsewhere ? 'as described' : 'not as described any more');
process.exit(isAsDescribed && isElsewhere ? 0 : 1);
JS
node cents.mjs
