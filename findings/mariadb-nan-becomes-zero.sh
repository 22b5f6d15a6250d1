#!/usr/bin/env bash
# MariaDB 10.11 (Debian's mariadb-server) with mysql2 3.24.5 and mariadb 3.5.4 (MariaDB Connector/Node.js): a NaN that is bound to a prepared statement is
# stored as 0 in an INT or DECIMAL column, and as -9223372036854775808 in a BIGINT column, in strict mode, without a warning.
#
# JavaScript turns an amount that is missing or not a number into NaN. MariaDB has no NaN: a DOUBLE column refuses it, and in strict mode, which is on
# by default, a value that does not fit a column is an error (https://mariadb.com/kb/en/sql-mode/). With `query()`, which writes values into the text
# of the statement, it is an error in every column, "Unknown column 'NaN'". So you would expect an error from `execute()`, too, and of a DECIMAL or an
# INT no less than of a DOUBLE. But a prepared statement carries the eight bytes of the number, and the server turns them into an integer or a decimal
# without looking. An unknown amount is booked as 0.00; a BIGINT UNSIGNED holds 9223372036854775808. Moving a program from query() to execute(), or to
# `batch()` of Connector/Node.js, which binds as well, takes the error away.
#
# Seen, from execute() of mysql2, and from execute() and batch() of Connector/Node.js alike:
#   INT, TINYINT, INT UNSIGNED    0
#   DECIMAL(10,2)                 0.00
#   BIGINT                        -9223372036854775808
#   BIGINT UNSIGNED               9223372036854775808
#   DOUBLE, FLOAT                 an error, "Out of range value for column 'v'"
#
# Exits 0 as long as MariaDB does this, 1 once it no longer does, 2 without MariaDB or if the check cannot be made.
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
npm install --silent --no-audit --no-fund --ignore-scripts mysql2@3.24.5 mariadb@3.5.4 >/dev/null 2>&1 || exit 2
as=()
[ "$(id -u)" != 0 ] || as=(--user=root)
/usr/bin/mariadb-install-db --no-defaults --datadir="$folder/data" --tmpdir="$folder" "${as[@]}" --auth-root-authentication-method=normal --skip-test-db >/dev/null 2>&1 || exit 2
/usr/sbin/mariadbd --no-defaults "${as[@]}" --datadir="$folder/data" --tmpdir="$folder" --socket="$folder/socket" --pid-file="$folder/pid" --skip-networking >log 2>&1 &
server=$!
sql() { mariadb --no-defaults -uroot --socket="$folder/socket" -N "$@"; }
for _ in $(seq 100); do sql -e 'SELECT 1' >/dev/null 2>&1 && break || sleep 0.2; done
echo "version $(sql -e 'SELECT VERSION()')"
sql -e 'CREATE DATABASE work'

cat >nan.mjs <<'JS'
import mariadb from 'mariadb';
import mysql2 from 'mysql2/promise';

const options = { socketPath: process.argv[2], user: 'root', database: 'work' };
const connector = await mariadb.createConnection(options);
const other = await mysql2.createConnection(options);
const insert = 'INSERT INTO amounts VALUES (?)';
const ways = {
  'mysql2 execute': () => other.execute(insert, [Number.NaN]),
  'mariadb execute': () => connector.execute(insert, [Number.NaN]),
  'mariadb batch': () => connector.batch(insert, [[Number.NaN]]),
  'mysql2 query': () => other.query(insert, [Number.NaN]),
  'mariadb query': () => connector.query(insert, [Number.NaN]),
};

/** What an INSERT leaves in the column, with the number of warnings, or "refused". */
async function stored(write) {
  await connector.query('DELETE FROM amounts');
  try {
    await write();
  } catch {
    return 'refused';
  }
  const [{ value }] = await connector.query('SELECT CAST(v AS CHAR) AS value FROM amounts');
  const warnings = [...(await connector.query('SHOW WARNINGS')), ...(await other.query('SHOW WARNINGS'))[0]];
  return warnings.length === 0 ? value : `${value}, with a warning`;
}

const [{ mode }] = await connector.query('SELECT @@sql_mode AS mode');
if (!mode.includes('STRICT_TRANS_TABLES')) process.exit(2);
const expected = {
  INT: '0',
  TINYINT: '0',
  'INT UNSIGNED': '0',
  'DECIMAL(10,2)': '0.00',
  BIGINT: '-9223372036854775808',
  'BIGINT UNSIGNED': '9223372036854775808',
  DOUBLE: 'refused',
  FLOAT: 'refused',
};
let isAsDescribed = true;
for (const [type, bound] of Object.entries(expected)) {
  await connector.query(`CREATE OR REPLACE TABLE amounts (v ${type} NOT NULL)`);
  const seen = [];
  for (const [way, write] of Object.entries(ways)) {
    const value = await stored(write);
    seen.push(`${way}: ${value}`);
    isAsDescribed &&= value === (way.endsWith('query') ? 'refused' : bound);
  }
  console.log(`${type}: ${seen.join('; ')}`);
}
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit(isAsDescribed ? 0 : 1);
JS
node nan.mjs "$folder/socket"
