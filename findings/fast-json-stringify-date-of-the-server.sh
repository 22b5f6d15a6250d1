#!/usr/bin/env bash
# fast-json-stringify 7.3.10: a Date under `format: "date"` or `"time"` is written in the process's time zone, but under `"date-time"` in UTC, so the
# three parts of one answer contradict each other; and the written time is not valid under the schema.
#
# The README (https://github.com/fastify/fast-json-stringify#specific) refers to the formats of JSON Schema, which are those of RFC 3339, and shows
# one moment in all three: 2020-04-03T09:11:08.615Z, 2020-04-03, 09:11:08. So you would expect the date and the time to be parts of the date-time, in
# UTC. They are, on a server in UTC. In New York a due date that a driver reads as midnight in UTC is written as the day before, and in Berlin one of
# 23:30 in UTC as the day after, in the same answer as the contradicting date-time. Clients get another day when the service moves to another region.
# A time in RFC 3339 also ends in its offset, which is missing here, so the time is ambiguous: Ajv with ajv-formats refuses it under the very schema
# it was written by.
#
# Seen, for { at, day, time } of one Date:
#   TZ                    at                          day           time
#   UTC                   2026-07-01T00:00:00.000Z    2026-07-01    00:00:00
#   America/New_York      2026-07-01T00:00:00.000Z    2026-06-30    20:00:00
#   Asia/Tokyo            2026-07-01T00:00:00.000Z    2026-07-01    09:00:00
# Ajv 8.20.0 with ajv-formats 3.0.1 says of each: time must match format "time".
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts fast-json-stringify@7.3.10 ajv@8.20.0 ajv-formats@3.0.1 >/dev/null 2>&1 || exit 2

cat >moment.mjs <<'JS'
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import fastJson from 'fast-json-stringify';

const property = (format) => ({ type: 'string', format });
const schema = { type: 'object', properties: { at: property('date-time'), day: property('date'), time: property('time') } };
const moment = new Date('2026-07-01T00:00:00Z');
const written = fastJson(schema)({ at: moment, day: moment, time: moment });
const ajv = new Ajv({ allErrors: true });
formats.default(ajv);
ajv.validate(schema, JSON.parse(written));
const errors = (ajv.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`).join('; ');
console.log(`${written} ${errors}`);
JS
isAsDescribed=true
check() {
  seen=$(TZ=$1 node moment.mjs) || exit 2
  echo "$1: $seen"
  [ "$seen" = "{\"at\":\"2026-07-01T00:00:00.000Z\",\"day\":\"$2\",\"time\":\"$3\"} /time must match format \"time\"" ] || isAsDescribed=false
}
check UTC 2026-07-01 00:00:00
check America/New_York 2026-06-30 20:00:00
check Asia/Tokyo 2026-07-01 09:00:00
$isAsDescribed && echo 'as described' || { echo 'not as described any more'; exit 1; }
