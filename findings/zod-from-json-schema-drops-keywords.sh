#!/usr/bin/env bash
# zod 4.6.7: `z.fromJSONSchema` throws on keywords that it does not support, and silently ignores supported ones where it does not expect them.
#
# A schema with `if`, `not` or `dependentRequired` is refused with an error that names the keyword. So a schema that converts seems to be checked
# completely. But JSON Schema lets keywords stand alone and side by side, and zod reads `properties`, `required`, `minimum` and the like only where
# `type` says which of them to expect; `required` only for members that `properties` names; and nothing beside `$ref` or `enum`. Schemas from
# registries and from OpenAPI and AsyncAPI are full of these: a base type by `$ref`, with the message's additional requirements in `allOf`. The result
# is a zod schema that accepts data that the JSON Schema refuses. An object as `const`, on the other hand, is compared by identity, so it refuses even
# its own value.
#
# Seen, as what zod and Ajv 8.20.0 say of a value:
#   allOf: a $ref and { required: ['id'] }              {}                     zod: valid      Ajv: invalid
#   required: ['id', 'time'], time not in properties    { id: 'a' }            zod: valid      Ajv: invalid
#   properties and required without a type              { id: 5 }              zod: valid      Ajv: invalid
#   minLength: 2 beside an enum                         'b'                    zod: valid      Ajv: invalid
#   maxLength beside a $ref                             'longer'               zod: valid      Ajv: invalid
#   minimum without a type, in an array's items         [{ count: 0 }]         zod: valid      Ajv: invalid
#   const: { kind: 'a' }                                { kind: 'a' }          zod: invalid    Ajv: valid
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts zod@4.6.7 ajv@8.20.0 >/dev/null 2>&1 || exit 2

cat >schemas.mjs <<'JS'
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as z from 'zod';

const text = { type: 'string' };
const ajv = new Ajv2020({ strict: false });
const said = (isValid) => (isValid ? 'valid' : 'invalid');

let isLoud = false;
try {
  z.fromJSONSchema({ if: { type: 'string' }, then: { minLength: 3 } });
} catch {
  isLoud = true;
}
if (!isLoud) process.exit(1);

let isAsDescribed = true;
for (const [name, schema, value, byZod] of [
  [
    'required in allOf',
    { allOf: [{ $ref: '#/$defs/event' }, { required: ['id'] }], $defs: { event: { type: 'object', properties: { id: text } } } },
    {},
    'valid',
  ],
  ['required of an unnamed member', { type: 'object', properties: { id: text }, required: ['id', 'time'] }, { id: 'a' }, 'valid'],
  ['no type', { properties: { id: text }, required: ['id'] }, { id: 5 }, 'valid'],
  ['beside an enum', { type: 'string', enum: ['aa', 'b'], minLength: 2 }, 'b', 'valid'],
  ['beside a $ref', { $ref: '#/$defs/text', maxLength: 3, $defs: { text } }, 'longer', 'valid'],
  [
    'minimum without a type',
    { type: 'array', items: { type: 'object', properties: { count: { minimum: 1 } }, required: ['count'] } },
    [{ count: 0 }],
    'valid',
  ],
  ['an object as const', { const: { kind: 'a' } }, { kind: 'a' }, 'invalid'],
]) {
  const found = said(z.fromJSONSchema(schema).safeParse(value).success);
  const control = said(ajv.validate(schema, value));
  console.log(`${name}: ${JSON.stringify(value)} is ${found} to zod, ${control} to Ajv`);
  if (control === byZod) process.exit(2);
  if (found !== byZod) isAsDescribed = false;
}
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node schemas.mjs
