#!/usr/bin/env bash
# MariaDB 10.11.19 (Debian 12) with mysql2 3.24.6: JSON_TABLE truncates texts and changes numbers to make them fit, with only a warning, even in
# strict mode.
#
# `INSERT … SELECT … FROM JSON_TABLE(?, '$[*]' COLUMNS (…))` is how many rows go to the server in one parameter, as `unnest` does it in PostgreSQL.
# With a strict sql_mode an INSERT of a text that is too long is refused. The columns of JSON_TABLE have the types of the table, so you would expect
# the same. But the value has been made to fit before the INSERT sees it. An idempotency key that is longer than its column becomes another, shorter
# one, and of two that differ at the end the second is a duplicate. The promise of mysql2 resolves; only `warningStatus` of its result shows it, which
# hardly anybody reads. Each path has an ON ERROR clause, but `ERROR ON ERROR` changes nothing here. What helps is to declare the columns of
# JSON_TABLE wide, as VARCHAR for the numbers as well, and to leave the narrowing to the INSERT, which checks.
#
# Seen, under STRICT_ALL_TABLES: "abcdef" into VARCHAR(3) is stored as "abc", 12345678901 into INT as 2147483647, and "x" into INT as 0, each with a warning. An
# INSERT with VALUES refuses all three, and so does one from JSON_TABLE whose column is a VARCHAR(20).
#
# Exits 0 while this holds, 1 once it no longer does, 2 without MariaDB.
set -euo pipefail

PATH=$PATH:/usr/sbin
command -v mariadbd > /dev/null || { echo 'MariaDB is missing (apt-get install mariadb-server)'; exit 2; }
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || { kill -9 "$server"; wait "$server" 2> /dev/null || true; }; rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund mysql2@3.24.6

user=()
[ "$(id -u)" != 0 ] || user=(--user=root)
mariadb-install-db --no-defaults --datadir="$folder/data" --tmpdir="$folder" "${user[@]}" --auth-root-authentication-method=normal --skip-test-db > /dev/null 2>&1
mariadbd --no-defaults "${user[@]}" --datadir="$folder/data" --tmpdir="$folder" --socket="$folder/socket" --pid-file="$folder/pid" --skip-networking \
  > "$folder/log" 2>&1 &
server=$!
for _ in $(seq 300); do
  [ ! -S "$folder/socket" ] || break
  sleep 0.2
done

cat > values.mjs <<'JS'
import mysql from 'mysql2/promise';

const connection = await mysql.createConnection({ socketPath: 'socket', user: 'root' });
const query = async (sql, values) => (await connection.query(sql, values))[0];
await query('CREATE DATABASE events');
await query('USE events');
await query("SET sql_mode = 'STRICT_ALL_TABLES'");

/** What becomes of a value in a column, by an INSERT from JSON_TABLE and by one with VALUES. */
async function stored(json, type, { clause = '', read = type } = {}) {
  await query(`CREATE OR REPLACE TABLE target (value ${type})`);
  const outcomes = [];
  const inserts = [
    () => query(`INSERT INTO target SELECT * FROM JSON_TABLE(?, '$[*]' COLUMNS (value ${read} PATH '$' ${clause})) AS source`, [`[${json}]`]),
    () => query(`INSERT INTO target VALUES (${json})`),
  ];
  for (const insert of inserts) {
    let warnings;
    try {
      ({ warningStatus: warnings } = await insert());
    } catch (error) {
      outcomes.push(`refused (${error.errno})`);
      continue;
    }
    const [{ value }] = await query('SELECT CAST(value AS CHAR) AS value FROM target');
    await query('DELETE FROM target');
    outcomes.push(`${value}${warnings === 0 ? '' : ' with a warning'}`);
  }
  console.log(`${json} into ${type}, read as ${read} ${clause}: ${outcomes[0]}; with VALUES: ${outcomes[1]}`);
  return outcomes.join('; ');
}

const seen = [
  await stored('"abcdef"', 'VARCHAR(3)'),
  await stored('"abcdef"', 'VARCHAR(3)', { clause: 'ERROR ON ERROR' }),
  await stored('"abcdef"', 'VARCHAR(3)', { read: 'VARCHAR(20)' }),
  await stored('12345678901', 'INT'),
  await stored('12345678901', 'INT', { read: 'VARCHAR(20)' }),
  await stored('"x"', 'INT'),
  await stored('"x"', 'INT', { read: 'VARCHAR(20)' }),
];
await connection.end();
const expected = [
  'abc with a warning; refused (1406)',
  'abc with a warning; refused (1406)',
  'refused (1406); refused (1406)',
  '2147483647 with a warning; refused (1264)',
  'refused (1264); refused (1264)',
  '0 with a warning; refused (1366)',
  'refused (1366); refused (1366)',
];
const isAsDescribed = seen.join() === expected.join();
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit(isAsDescribed ? 0 : 1);
JS
node values.mjs
