#!/usr/bin/env bash
# cloudevents 10.0.0 (the JavaScript SDK): `HTTP.toEvent` rewrites an event's `time`: it truncates it to milliseconds, and replaces a missing or
# unintelligible one by the time of arrival.
#
# `time` is an RFC 3339 timestamp, and optional; Go, Java and .NET write it with six to nine digits of a second. You would expect to get exactly the
# attribute that the producer sent, and none if it sent none. But the time of a single event is parsed as a JavaScript Date and printed again: digits
# after the third and the offset are lost, so two events in one millisecond have the same time. A time that Date cannot parse, such as a leap second,
# becomes the current time, without an error. An event without a time gets the current one too, a different one at each redelivery, and nothing
# distinguishes it from a producer's own time. In a batch the same event keeps its text. The Kafka binding, which reads the same JSON, throws
# "RangeError: Invalid time value" for an event without a time.
#
# Seen:
#   sent                                    alone                       in a batch
#   2026-03-01T10:00:00.123456789+02:00     2026-03-01T08:00:00.123Z    as sent
#   2016-12-31T23:59:60Z                    the moment of arrival       as sent
#   none                                    the moment of arrival       the moment of arrival
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts cloudevents@10.0.0 >/dev/null 2>&1 || exit 2

cat >times.mjs <<'JS'
import { HTTP, Kafka } from 'cloudevents';

const event = { specversion: '1.0', id: '1', source: '/stock', type: 'changed', data: {} };
const started = Date.now();

/** The time of an event that was sent with this one, alone and in a batch; 'now' for a time since this program began. */
function timesOf(time) {
  const body = JSON.stringify({ ...event, time });
  const alone = HTTP.toEvent({ headers: { 'content-type': 'application/cloudevents+json' }, body });
  const [batched] = HTTP.toEvent({ headers: { 'content-type': 'application/cloudevents-batch+json' }, body: `[${body}]` });
  return [alone, batched].map((one) => (Date.parse(one.time) >= started ? 'now' : one.time));
}
function byKafka(value) {
  try {
    return Kafka.toEvent({ headers: { 'content-type': 'application/cloudevents+json' }, value: JSON.stringify(value) }).time;
  } catch (error) {
    return String(error);
  }
}

const fine = '2026-03-01T10:00:00.123456789+02:00';
const leap = '2016-12-31T23:59:60Z';
const expected = [
  [fine, '2026-03-01T08:00:00.123Z', fine],
  [leap, 'now', leap],
  [undefined, 'now', 'now'],
];
let isAsDescribed = true;
for (const [sent, alone, batched] of expected) {
  const found = timesOf(sent);
  console.log(`sent ${sent ?? 'none'}: alone ${found[0]}, in a batch ${found[1]}`);
  if (found[0] !== alone || found[1] !== batched) isAsDescribed = false;
}
const refusal = byKafka(event);
console.log(`without a time, by the Kafka binding: ${refusal}`);
if (refusal !== 'RangeError: Invalid time value') isAsDescribed = false;
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node times.mjs
