#!/usr/bin/env bash
# APScheduler 3.11.3: `CronTrigger.from_crontab` runs a crontab line one weekday late, and a line with a day of the month and a weekday on days that are both.
#
# The method is documented to create a trigger "from a standard crontab expression", with a link to its description
# (https://apscheduler.readthedocs.io/en/3.x/modules/triggers/cron.html). There 0 is Sunday, and a line that restricts the day of the month and the weekday runs on days that are
# either. But the numbers go unchanged to a trigger that counts from Monday as 0, and wants all of its fields to be met. There is no error, except for 7,
# the other Sunday. The weekly report comes on Monday, with the new week begun; "1-5", the working days, leaves out Monday and includes Saturday; and
# "the 1st, and Mondays" runs twice a year. Names, such as "sun", are right. The libraries that read crontabs beside it (croner 11.0.1) agree with cron.
#
# Seen, as the runs after Tuesday 2026-12-01 00:00 UTC:
#   line             APScheduler                                croner
#   0 3 * * 0        Mon 12-07                                  Sun 12-06
#   0 3 * * sun      Sun 12-06                                  Sun 12-06
#   0 3 * * 1-5      Tue 12-01 to Sat 12-05                     Tue 12-01 to Fri 12-04, Mon 12-07
#   0 3 1 * 1        Tue 12-01, Tue 2027-06-01                  Tue 12-01, Mon 12-07
#   0 3 * * 7        an error                                   Sun 12-06
#
# Exits 0 while that is so, 1 once it is not, 2 when the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts croner@11.0.1 >/dev/null 2>&1 || exit 2
python3 -m pip install --quiet --target python apscheduler==3.11.3 >/dev/null 2>&1 || exit 2

cat >runs.py <<'PY'
import sys
from datetime import datetime, timezone

from apscheduler.triggers.cron import CronTrigger

for line, count in zip(sys.argv[1::2], sys.argv[2::2]):
    try:
        trigger = CronTrigger.from_crontab(line, timezone="UTC")
    except ValueError:
        print("an error")
        continue
    moment, runs = datetime(2026, 12, 1, tzinfo=timezone.utc), []
    while len(runs) < int(count):
        moment = trigger.get_next_fire_time(moment if runs else None, moment)
        runs.append(moment.strftime("%a %Y-%m-%d"))
    print(", ".join(runs))
PY
cat >runs.mjs <<'JS'
import { execFileSync } from 'node:child_process';
import { Cron } from 'croner';

const lines = [
  ['0 3 * * 0', 1, 'Mon 2026-12-07', 'Sun 2026-12-06'],
  ['0 3 * * sun', 1, 'Sun 2026-12-06', 'Sun 2026-12-06'],
  [
    '0 3 * * 1-5',
    5,
    'Tue 2026-12-01, Wed 2026-12-02, Thu 2026-12-03, Fri 2026-12-04, Sat 2026-12-05',
    'Tue 2026-12-01, Wed 2026-12-02, Thu 2026-12-03, Fri 2026-12-04, Mon 2026-12-07',
  ],
  ['0 3 1 * 1', 2, 'Tue 2026-12-01, Tue 2027-06-01', 'Tue 2026-12-01, Mon 2026-12-07'],
  ['0 3 * * 7', 1, 'an error', 'Sun 2026-12-06'],
];
const answers = execFileSync('python3', ['runs.py', ...lines.flatMap(([line, count]) => [line, String(count)])], { encoding: 'utf8' });
const weekday = (day) => `${day.toUTCString().slice(0, 3)} ${day.toISOString().slice(0, 10)}`;
let isAsDescribed = true;
for (const [at, found] of answers.trimEnd().split('\n').entries()) {
  const [line, count, expected, right] = lines[at];
  const byCroner = new Cron(line, { timezone: 'UTC' }).nextRuns(count, new Date('2026-12-01T00:00:00Z')).map(weekday).join(', ');
  console.log(`${line}: APScheduler ${found}; croner ${byCroner}`);
  if (byCroner !== right) process.exit(2);
  if (found !== expected) isAsDescribed = false;
}
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
PYTHONPATH=python node runs.mjs
