#!/usr/bin/env bash
# ical.js 2.2.1: a recurrence rule accepted without an error runs on other days than it names: BYSETPOS is ignored, 29 February becomes 1 March, and a
# monthly rule with two times a day runs on the first of a month as well.
#
# ical.js reads rules of RFC 5545 (https://www.rfc-editor.org/rfc/rfc5545#section-3.3.10), and throws on rules that it does not support, such as one
# with BYYEARDAY and BYMONTH. So a rule that iterates seems to have been understood. The RFC says that BYSETPOS picks from the set of each interval,
# that a date which does not exist must be ignored, and that BYMONTHDAY in a yearly rule without BYMONTH expands to all months. "The last of 28 and
# the month's last day", which is how one writes the end of the month, becomes two runs a month: a monthly invoice is sent twice.
#
# Seen, beside rrule-temporal 2.2.8 and rrule 2.8.1, which agree:
#   DTSTART, rule                                             ical.js                              the others
#   2026-03-31 MONTHLY;BYMONTHDAY=28,-1;BYSETPOS=-1           03-31 04-28 04-30 05-28              03-31 04-30 05-31 06-30
#   2026-03-05 WEEKLY;BYDAY=MO,TH;BYSETPOS=-1                 03-05 03-09 03-12 03-16              03-05 03-12 03-19 03-26
#   2024-02-29 YEARLY                                         2025-03-01 2026-03-01 2027-03-01     2028-02-29 2032-02-29 2036-02-29
#   2026-03-08 MONTHLY;BYDAY=2SU;BYHOUR=0,23                  03-08 03-08 04-01 04-12              03-08 03-08 04-12 04-12
#   2026-01-15 YEARLY;BYMONTHDAY=15                           2027-01-15 next                      2026-02-15 next
#   2026-04-02 MONTHLY;INTERVAL=3;BYMONTH=4,11                04-02 11-02                          04-02 2027-04-02
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts ical.js@2.2.1 rrule@2.8.1 rrule-temporal@2.2.8 >/dev/null 2>&1 || exit 2

cat >days.mjs <<'JS'
import ICAL from 'ical.js';
import rrule from 'rrule';
import { RRuleTemporal } from 'rrule-temporal';

function byIcal(start, rule) {
  const days = [];
  const iterator = ICAL.Recur.fromString(`FREQ=${rule}`).iterator(ICAL.Time.fromString(`${start}T00:00:00`));
  while (days.length < 4) days.push(iterator.next().toString().slice(0, 10));
  return days.join(' ');
}
const text = (start, rule) => `DTSTART:${start.replaceAll('-', '')}T000000Z\nRRULE:FREQ=${rule}`;
const byRrule = (start, rule) =>
  rrule
    .rrulestr(text(start, rule))
    .all((_, at) => at < 4)
    .map((day) => day.toISOString().slice(0, 10))
    .join(' ');
const byTemporal = (start, rule) =>
  new RRuleTemporal({ rruleString: text(start, rule) })
    .all((_, at) => at < 4)
    .map((day) => day.toPlainDate().toString())
    .join(' ');

let isAsDescribed = true;
for (const [start, rule, expected, right] of [
  ['2026-03-31', 'MONTHLY;BYMONTHDAY=28,-1;BYSETPOS=-1', '2026-03-31 2026-04-28 2026-04-30 2026-05-28', '2026-03-31 2026-04-30 2026-05-31 2026-06-30'],
  ['2026-03-05', 'WEEKLY;BYDAY=MO,TH;BYSETPOS=-1', '2026-03-05 2026-03-09 2026-03-12 2026-03-16', '2026-03-05 2026-03-12 2026-03-19 2026-03-26'],
  ['2024-02-29', 'YEARLY', '2024-02-29 2025-03-01 2026-03-01 2027-03-01', '2024-02-29 2028-02-29 2032-02-29 2036-02-29'],
  ['2026-03-08', 'MONTHLY;BYDAY=2SU;BYHOUR=0,23', '2026-03-08 2026-03-08 2026-04-01 2026-04-12', '2026-03-08 2026-03-08 2026-04-12 2026-04-12'],
  ['2026-01-15', 'YEARLY;BYMONTHDAY=15', '2026-01-15 2027-01-15 2028-01-15 2029-01-15', '2026-01-15 2026-02-15 2026-03-15 2026-04-15'],
  ['2026-04-02', 'MONTHLY;INTERVAL=3;BYMONTH=4,11', '2026-04-02 2026-11-02 2027-04-02 2027-11-02', '2026-04-02 2027-04-02 2028-04-02 2029-04-02'],
]) {
  const found = byIcal(start, rule);
  console.log(`${start} ${rule}: ical.js ${found}; the others ${byRrule(start, rule)}`);
  if (byRrule(start, rule) !== right || byTemporal(start, rule) !== right) process.exit(2);
  if (found !== expected) isAsDescribed = false;
}
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node days.mjs
