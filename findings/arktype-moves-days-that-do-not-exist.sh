#!/usr/bin/env bash
# arktype 2.2.10: `string.date.iso.parse` accepts 30 February and turns it into 2 March.
#
# The keyword (https://arktype.io/keywords/) accepts text that is an ISO 8601 date and turns it into a Date; anything else is refused with "must be an
# ISO 8601 (YYYY-MM-DDTHH:mm:ss.sssZ) date". ISO 8601 has no 30 February, so you would expect it to be refused, like month 13 and day 32, and as zod
# 4.6.7 and ajv-formats 3.0.1 do. But once the format matches, only JavaScript's Date decides, and it carries days that a month does not have, up to
# the 31st, over into the next month. A mistyped date of birth or due date becomes another day, without an error, and a text kept by `string.date.iso`
# is a date that PostgreSQL and Java refuse later.
#
# Seen:
#   2026-02-30                   2026-03-02T00:00:00.000Z
#   2026-04-31T10:00:00Z         2026-05-01T10:00:00.000Z
#   2026-02-29T12:00:00+01:00    2026-03-01T11:00:00.000Z
#   2026-02-32, 2026-13-01       refused
# zod's z.iso.date() and z.iso.datetime(), and Ajv's formats date and date-time, refuse all of them.
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts arktype@2.2.10 zod@4.6.7 ajv@8.20.0 ajv-formats@3.0.1 >/dev/null 2>&1 || exit 2

cat >days.mjs <<'JS'
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { type } from 'arktype';
import { z } from 'zod';

const parse = type('string.date.iso.parse');
const isIso = type('string.date.iso');
const ajv = new Ajv();
formats.default(ajv);
const others = [
  (text) => z.iso.date().safeParse(text).success,
  (text) => z.iso.datetime({ offset: true }).safeParse(text).success,
  ajv.compile({ type: 'string', format: 'date' }),
  ajv.compile({ type: 'string', format: 'date-time' }),
];
const expected = {
  '2026-02-30': '2026-03-02T00:00:00.000Z',
  '2026-04-31T10:00:00Z': '2026-05-01T10:00:00.000Z',
  '2026-02-29T12:00:00+01:00': '2026-03-01T11:00:00.000Z',
  '2026-02-32': 'refused',
  '2026-13-01': 'refused',
};
if (!['2026-02-28', '2026-02-28T10:00:00Z'].every((text) => isIso.allows(text) && others.some((takes) => takes(text)))) process.exit(2);
let isAsDescribed = true;
for (const [text, result] of Object.entries(expected)) {
  const parsed = parse(text);
  const seen = parsed instanceof Date ? parsed.toISOString() : 'refused';
  const isTaken = isIso.allows(text);
  const takers = others.filter((takes) => takes(text)).length;
  console.log(`${text}: ${seen}; string.date.iso: ${isTaken ? 'taken' : 'refused'}; of zod's and Ajv's ${takers} take it`);
  isAsDescribed &&= seen === result && isTaken === (result !== 'refused') && takers === 0;
}
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit(isAsDescribed ? 0 : 1);
JS
node days.mjs
