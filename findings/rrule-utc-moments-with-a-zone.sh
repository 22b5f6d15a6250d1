#!/usr/bin/env bash
# rrule 2.8.1: in a rule with a time zone, UNTIL, EXDATE and RDATE in UTC are taken for local times: the last run is missing, or there is one too
# many, and cancelled runs take place.
#
# RFC 5545 demands that UNTIL is in UTC where DTSTART has a time zone, and calendars export it so; EXDATE and RDATE may be. rrule supports TZID, and
# returns a rule's runs as moments that are right for the zone (here with the system in UTC, as servers are). So you would expect it to read a moment that
# ends in Z as a moment. But it works with local times that are written as if they were UTC, turns only its results into moments, and compares a Z that
# it has parsed with the local times. What comes out is off by the zone's offset. The README warns of a Date that is not in UTC, which this is not.
#
# Seen, as runs in UTC:
#   daily 09:00 in Berlin from 01-01, UNTIL=20260103T080000Z          01-01 08:00, 01-02 08:00              the one at 01-03 08:00 is missing
#   daily 20:00 in New York from 01-01, UNTIL=20260103T005900Z        01-02 01:00, 01-03 01:00              the second is after the end
#   daily 09:00 in Berlin, three, EXDATE:20260102T080000Z             01-01 08:00, 01-02 08:00, 01-03 08:00 the second was cancelled
#   daily 09:00 in Berlin, two, RDATE:20260105T080000Z                01-01 08:00, 01-02 08:00, 01-05 07:00 the third is an hour early
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts rrule@2.8.1 >/dev/null 2>&1 || exit 2

cat >rules.mjs <<'JS'
import rrule from 'rrule';

const runsOf = (lines) =>
  rrule
    .rrulestr(lines.join('\n'))
    .all()
    .map((run) => run.toISOString().slice(5, 16).replace('T', ' '))
    .join(', ');
const berlin = 'DTSTART;TZID=Europe/Berlin:20260101T090000';
const newYork = 'DTSTART;TZID=America/New_York:20260101T200000';

if (runsOf([berlin, 'RRULE:FREQ=DAILY;COUNT=2']) !== '01-01 08:00, 01-02 08:00') process.exit(2);
let isAsDescribed = true;
for (const [lines, expected] of [
  [[berlin, 'RRULE:FREQ=DAILY;UNTIL=20260103T080000Z'], '01-01 08:00, 01-02 08:00'],
  [[newYork, 'RRULE:FREQ=DAILY;UNTIL=20260103T005900Z'], '01-02 01:00, 01-03 01:00'],
  [[berlin, 'RRULE:FREQ=DAILY;COUNT=3', 'EXDATE:20260102T080000Z'], '01-01 08:00, 01-02 08:00, 01-03 08:00'],
  [[berlin, 'RRULE:FREQ=DAILY;COUNT=2', 'RDATE:20260105T080000Z'], '01-01 08:00, 01-02 08:00, 01-05 07:00'],
]) {
  const found = runsOf(lines);
  console.log(`${lines.join(' ')}: ${found}`);
  if (found !== expected) isAsDescribed = false;
}
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
TZ=UTC node rules.mjs
