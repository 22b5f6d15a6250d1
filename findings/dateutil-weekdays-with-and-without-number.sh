#!/usr/bin/env bash
# python-dateutil 4.0.0 and rrule 2.8.1: a rule with a numbered weekday and a plain one in BYDAY, such as "the first Monday and each Tuesday", has no runs.
#
# RFC 5545 gives each weekday of BYDAY its own optional number (https://www.rfc-editor.org/rfc/rfc5545#section-3.3.10), so `BYDAY=1MO,TU` is one rule
# for both. A calendar that lets people tick weekdays one by one writes such rules. You would expect the runs of `BYDAY=1MO` and of `BYDAY=TU`
# together, or an error if the two cannot be combined. But both libraries (the JavaScript one follows the Python one) keep the two kinds in two
# filters, and a day must pass both. No day does. The rule is parsed without an error, and has no runs: a backup or a reminder never happens. Where a
# day passes both, as in `BYDAY=1MO,MO`, only the numbered ones are left. rrule-temporal 2.2.8 has the runs of both.
#
# Seen, from 2026-01-01:
#   rule                                    python-dateutil and rrule            rrule-temporal
#   MONTHLY;BYDAY=1MO;COUNT=2               01-05 02-02                          01-05 02-02
#   MONTHLY;BYDAY=1MO,TU;COUNT=4            none                                 01-05 01-06 01-13 01-20
#   MONTHLY;BYDAY=-1FR,MO;COUNT=4           none                                 01-05 01-12 01-19 01-26
#   MONTHLY;BYDAY=1MO,MO;COUNT=3            01-05 02-02 03-02                    01-05 01-12 01-19
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts rrule@2.8.1 rrule-temporal@2.2.8 >/dev/null 2>&1 || exit 2
python3 -m pip install --quiet --target python python-dateutil==4.0.0 >/dev/null 2>&1 || exit 2

cat >runs.py <<'PY'
import sys
from datetime import datetime

from dateutil.rrule import rrulestr

for rule in sys.argv[1:]:
    print(" ".join(run.strftime("%m-%d") for run in rrulestr(f"FREQ={rule}", dtstart=datetime(2026, 1, 1))) or "none")
PY
cat >runs.mjs <<'JS'
import { execFileSync } from 'node:child_process';
import rrule from 'rrule';
import { RRuleTemporal } from 'rrule-temporal';

const rules = {
  'MONTHLY;BYDAY=1MO;COUNT=2': ['01-05 02-02', '01-05 02-02'],
  'MONTHLY;BYDAY=1MO,TU;COUNT=4': ['none', '01-05 01-06 01-13 01-20'],
  'MONTHLY;BYDAY=-1FR,MO;COUNT=4': ['none', '01-05 01-12 01-19 01-26'],
  'MONTHLY;BYDAY=1MO,MO;COUNT=3': ['01-05 02-02 03-02', '01-05 01-12 01-19'],
};
const byDateutil = execFileSync('python3', ['runs.py', ...Object.keys(rules)], { encoding: 'utf8' }).trimEnd().split('\n');
const listed = (days) => days.map((day) => day.slice(5, 10)).join(' ') || 'none';
let isAsDescribed = true;
for (const [at, [rule, [expected, right]]] of Object.entries(rules).entries()) {
  const text = `DTSTART:20260101T000000Z\nRRULE:FREQ=${rule}`;
  const byRrule = listed(rrule.rrulestr(text).all().map((day) => day.toISOString()));
  const byTemporal = listed(new RRuleTemporal({ rruleString: text }).all().map((day) => day.toPlainDate().toString()));
  console.log(`${rule}: python-dateutil ${byDateutil[at]}; rrule ${byRrule}; rrule-temporal ${byTemporal}`);
  if (byTemporal !== right) process.exit(2);
  if (byDateutil[at] !== expected || byRrule !== expected) isAsDescribed = false;
}
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
PYTHONPATH=python node runs.mjs
