#!/usr/bin/env bash
# Croner 11.0.1, by its default rule: on a night on which the clocks change, an hour in a list has other runs than the same hour alone.
#
# Europe/Berlin has no 02:30 on 2026-03-29 and has it twice on 2026-10-25. `30 2 * * *` runs once on each: on the first at 03:00,
# when the gap ends, and on the second the first time. `30 2,14 * * *` runs not at all at night on the first, and twice on the second.
# So adding an hour to a nightly job takes one run of it away each spring and doubles one each autumn.
#
# The option `fixedTimeRule: 'no-wildcard'` treats the list as it treats the single hour, but not a step: `*/30 2 * * *`, which names
# two times of day, runs at neither on the first night and twice at each on the second.
#
# Seen, as moments in UTC:
#   30 2 * * *                    on 2026-03-29: 01:00                      on 2026-10-25: 00:30
#   30 2,14 * * *                 on 2026-03-29: 12:30                      on 2026-10-25: 00:30 01:30 13:30
#   30 2,14 * * * (no-wildcard)   on 2026-03-29: 01:00 12:30                on 2026-10-25: 00:30 13:30
#   */30 2 * * *  (no-wildcard)   on 2026-03-29: none                       on 2026-10-25: 00:00 00:30 01:00 01:30
#
# Exits 0 as long as Croner does this.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts croner@11.0.1

cat > nights.mjs <<'JS'
import { Cron } from 'croner';

const runsOn = (day, pattern, options) => {
  const from = new Date(`${day}T00:00:00Z`).getTime() - 1_000;
  return new Cron(pattern, { paused: true, timezone: 'Europe/Berlin', ...options })
    .nextRuns(10, new Date(from))
    .map((run) => run.toISOString())
    .filter((run) => run.startsWith(day))
    .map((run) => run.slice(11, 16))
    .join(' ');
};
const noWildcard = { fixedTimeRule: 'no-wildcard' };
let isAsDescribed = true;
for (const [pattern, options, spring, autumn] of [
  ['30 2 * * *', {}, '01:00', '00:30'],
  ['30 2,14 * * *', {}, '12:30', '00:30 01:30 13:30'],
  ['30 2,14 * * *', noWildcard, '01:00 12:30', '00:30 13:30'],
  ['*/30 2 * * *', noWildcard, '', '00:00 00:30 01:00 01:30'],
]) {
  const found = [runsOn('2026-03-29', pattern, options), runsOn('2026-10-25', pattern, options)];
  console.log(pattern, options, 'runs on 2026-03-29:', found[0] || 'none', '- and on 2026-10-25:', found[1] || 'none');
  if (found[0] !== spring || found[1] !== autumn) isAsDescribed = false;
}
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit(isAsDescribed ? 0 : 1);
JS
node nights.mjs
