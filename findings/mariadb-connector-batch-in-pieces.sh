#!/usr/bin/env bash
# mariadb 3.5.4 (MariaDB Connector/Node.js) with MariaDB 10.11 (Debian's mariadb-server): whether a `batch()` that fails has stored rows depends on
# the types of its values: with a Date in each row, all rows but the bad one are in the table.
#
# The documentation (https://mariadb.com/docs/connectors/mariadb-connector-nodejs/connector-nodejs-batch-api) says that a batch groups the queries
# "into one unit", in a single trip. For numbers and texts this is true, and the unit is one statement: if one row is a duplicate, `batch()` rejects,
# and none is stored. Nothing says that it depends on more than the server. But the connector begins a new command whenever a row has other types than
# the previous one. Whole and fractional numbers differ, and so does a Date from the Date above it, always. So every row with a time becomes a
# separate command: the rows before and after the duplicate are stored, yet the promise rejects. Retrying the batch without the bad row produces
# duplicates of all others, and a log line "nothing stored" is wrong. Instead of one result with `affectedRows` there is then an array of results,
# which the types allow, so `result.affectedRows` is undefined. (In a transaction that is rolled back nothing stays.)
#
# Seen, for four rows of which the third has the key of the first, in autocommit:
#   values                       left after the rejection    result without the duplicate
#   dates as texts               no row                      affectedRows 4
#   dates as Dates               1, 2 and 4                  an array of 4
#   amounts 1, 2, 3, 4           no row                      affectedRows 4
#   amounts 1, 2.5, 3, 4         1, 2                        an array of 3
#
# Exits 0 as long as they do this, 1 once they no longer do, 2 without MariaDB or if the check cannot be made.
set -euo pipefail
[ -x /usr/sbin/mariadbd ] || exit 2
folder=$(mktemp -d)
server=
stop() {
  [ -z "$server" ] || { kill "$server" && wait "$server" || true; }
  rm -rf "$folder"
}
trap stop EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts mariadb@3.5.4 >/dev/null 2>&1 || exit 2
as=()
[ "$(id -u)" != 0 ] || as=(--user=root)
/usr/bin/mariadb-install-db --no-defaults --datadir="$folder/data" --tmpdir="$folder" "${as[@]}" --auth-root-authentication-method=normal --skip-test-db >/dev/null 2>&1 || exit 2
/usr/sbin/mariadbd --no-defaults "${as[@]}" --datadir="$folder/data" --tmpdir="$folder" --socket="$folder/socket" --pid-file="$folder/pid" --skip-networking >log 2>&1 &
server=$!
sql() { mariadb --no-defaults -uroot --socket="$folder/socket" -N "$@"; }
for _ in $(seq 100); do sql -e 'SELECT 1' >/dev/null 2>&1 && break || sleep 0.2; done
echo "version $(sql -e 'SELECT VERSION()')"
sql -e 'CREATE DATABASE work'

cat >batch.mjs <<'JS'
import mariadb from 'mariadb';

const connection = await mariadb.createConnection({ socketPath: process.argv[2], user: 'root', database: 'work' });
await connection.query('CREATE TABLE events (id INT PRIMARY KEY, at DATETIME(3), amount DECIMAL(10,2)) ENGINE = InnoDB');

/** Writes four rows with these keys, and says what came of it and which are stored. */
async function written(keys, ats, amounts) {
  await connection.query('DELETE FROM events');
  const rows = keys.map((key, index) => [key, ats[index] ?? null, amounts[index] ?? null]);
  const outcome = await connection.batch('INSERT INTO events VALUES (?, ?, ?)', rows).then(
    (result) => (Array.isArray(result) ? `an array of ${result.length}` : `affectedRows ${result.affectedRows}`),
    ({ code }) => code,
  );
  const stored = (await connection.query('SELECT id FROM events ORDER BY id')).map(({ id }) => id);
  return { outcome, stored: stored.join(' ') };
}

const texts = [1, 2, 3, 4].map((day) => `2026-01-0${day} 12:00:00.000`);
const dates = texts.map((text) => new Date(`${text.replace(' ', 'T')}Z`));
const cases = {
  'dates as texts': { ats: texts, amounts: [], left: '', result: 'affectedRows 4' },
  'dates as Dates': { ats: dates, amounts: [], left: '1 2 4', result: 'an array of 4' },
  'amounts 1, 2, 3, 4': { ats: [], amounts: [1, 2, 3, 4], left: '', result: 'affectedRows 4' },
  'amounts 1, 2.5, 3, 4': { ats: [], amounts: [1, 2.5, 3, 4], left: '1 2', result: 'an array of 3' },
};
let isAsDescribed = true;
for (const [name, { ats, amounts, left, result }] of Object.entries(cases)) {
  const failed = await written([1, 2, 1, 4], ats, amounts);
  const whole = await written([1, 2, 3, 4], ats, amounts);
  console.log(`${name}: ${failed.outcome}, stored: ${failed.stored || 'none'}; without the duplicate: ${whole.outcome}, stored: ${whole.stored}`);
  if (failed.outcome !== 'ER_DUP_ENTRY' || whole.stored !== '1 2 3 4') process.exit(2);
  isAsDescribed &&= failed.stored === left && whole.outcome === result;
}
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit(isAsDescribed ? 0 : 1);
JS
node batch.mjs "$folder/socket"
