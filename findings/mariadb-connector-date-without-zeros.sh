#!/usr/bin/env bash
# mariadb 3.5.4 (MariaDB Connector/Node.js) with MariaDB 10.11 (Debian's mariadb-server): `query()` writes a Date without leading zeros, as
# "2026-2-2 3:4:5.006", and `execute()` writes the same Date as "2026-02-02 03:04:05.006000".
#
# A DATETIME column understands both, so the difference does not show there. But the text is stored unchanged wherever texts are stored: a VARCHAR
# column, a member of a JSON document, a key that CONCAT makes. The comments in the package's types tell the two apart by the protocol, text and
# binary (https://app.unpkg.com/mariadb@3.5.4/files/types/index.d.ts), so you would expect them to store the same, and times that are written by one
# to be found by the other, and to be in order. With query() the texts are in the wrong order, 10 October before 2 February, a look-up by execute()
# finds nothing, and a reader of the JSON elsewhere refuses "2026-2-2 3:4:5.006", which is in no format of ISO 8601. mysql2 3.24.5 writes the leading
# zeros with query() as well.
#
# Seen, for 2 February 2026, 03:04:05.006, with the process in UTC:
#   JSON_OBJECT('at', ?) by query()                          {"at": "2026-2-2 3:4:5.006"}
#   JSON_OBJECT('at', ?) by execute()                        {"at": "2026-02-02 03:04:05.006000"}
#   a VARCHAR written by query(), sought by execute()        no row
#   2 February and 10 October, by query(), ORDER BY          10 October first
#   JSON_OBJECT('at', ?) by query() of mysql2                {"at": "2026-02-02 03:04:05.006"}
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

cat >dates.mjs <<'JS'
import mariadb from 'mariadb';
import mysql2 from 'mysql2/promise';

const options = { socketPath: process.argv[2], user: 'root', database: 'work' };
const connector = await mariadb.createConnection(options);
const other = await mysql2.createConnection(options);
const february = new Date('2026-02-02T03:04:05.006Z');
const october = new Date('2026-10-10T03:04:05.006Z');

const sql = "SELECT CAST(JSON_OBJECT('at', ?) AS CHAR) AS json";
const [{ json: byQuery }] = await connector.query(sql, [february]);
const [{ json: byExecute }] = await connector.execute(sql, [february]);
const [[{ json: byMysql2 }]] = await other.query(sql, [february]);
console.log(`query: ${byQuery}; execute: ${byExecute}; query of mysql2: ${byMysql2}`);

await connector.query('CREATE TABLE events (name VARCHAR(20), at VARCHAR(40))');
await connector.query('INSERT INTO events VALUES (?, ?)', ['february', february]);
await connector.query('INSERT INTO events VALUES (?, ?)', ['october', october]);
const found = (await connector.execute('SELECT name FROM events WHERE at = CONCAT(?)', [february])).length;
const order = (await connector.query('SELECT name FROM events ORDER BY at')).map(({ name }) => name).join(' ');
console.log(`found by execute: ${found}; in order: ${order}`);

if (byMysql2 !== '{"at": "2026-02-02 03:04:05.006"}') process.exit(2);
const isAsDescribed =
  byQuery === '{"at": "2026-2-2 3:4:5.006"}' &&
  byExecute === '{"at": "2026-02-02 03:04:05.006000"}' &&
  found === 0 &&
  order === 'october february';
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit(isAsDescribed ? 0 : 1);
JS
TZ=UTC node dates.mjs "$folder/socket"
