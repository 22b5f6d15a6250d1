#!/usr/bin/env bash
# MariaDB 10.11 (Debian's mariadb-server): the next greater value of an indexed column is found at once for a constant, but by reading all lower ones where the
# value comes from another row, so that jumping along an index by a recursive query costs more than reading the index.
#
# In PostgreSQL and SQLite a recursive query finds a few distinct values among many rows: the least value, then the least greater one, and so on, with
# one index look-up each. MariaDB makes a range of an index only of values that it knows when it plans. In the recursive step the value is a column of
# the row before, so that the step goes through the index from its beginning until it finds a greater one (EXPLAIN: index, all rows). A SELECT
# DISTINCT or GROUP BY reads each entry once at most, or jumps by itself.
#
# Seen, as rows read (Handler_read_%) in a table of 10 groups of 1,000 rows:
#   SELECT MIN(name) … WHERE name > 'group 5'   1
#   ten steps of the recursive query            55,080
#   SELECT DISTINCT name                        11
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
as=()
[ "$(id -u)" != 0 ] || as=(--user=root)
/usr/bin/mariadb-install-db --no-defaults --datadir="$folder/data" --tmpdir="$folder" "${as[@]}" --auth-root-authentication-method=normal --skip-test-db >/dev/null 2>&1 || exit 2
/usr/sbin/mariadbd --no-defaults "${as[@]}" --datadir="$folder/data" --tmpdir="$folder" --socket="$folder/socket" --pid-file="$folder/pid" --skip-networking >log 2>&1 &
server=$!
sql() { mariadb --no-defaults -uroot --socket="$folder/socket" -N "$@"; }
for _ in $(seq 100); do sql -e 'SELECT 1' >/dev/null 2>&1 && break || sleep 0.2; done
echo "version $(sql -e 'SELECT VERSION()')"
sql -e 'CREATE DATABASE work; CREATE TABLE work.jobs (id BIGINT PRIMARY KEY, name VARCHAR(20) NOT NULL, KEY by_name (name)) ENGINE = InnoDB'
sql work -e "INSERT INTO jobs SELECT seq, CONCAT('group ', seq % 10) FROM seq_1_to_10000; ANALYZE TABLE jobs" >/dev/null

count() { sql work -e "FLUSH STATUS; $1; SHOW SESSION STATUS LIKE 'Handler_read%'" | awk '/^Handler/ { sum += $2 } END { print sum }'; }
steps="WITH RECURSIVE step AS (
    SELECT MIN(name) AS name FROM jobs
    UNION ALL
    SELECT (SELECT name FROM jobs WHERE jobs.name > step.name ORDER BY name LIMIT 1) FROM step WHERE name IS NOT NULL
  ) SELECT name FROM step WHERE name IS NOT NULL"
[ "$(sql work -e "$steps" | wc -l)" = 10 ] || exit 2
one=$(count "SELECT MIN(name) FROM jobs WHERE name > 'group 5'")
all=$(count "$steps")
distinct=$(count 'SELECT DISTINCT name FROM jobs')
echo "rows read: one look $one, ten steps $all, distinct $distinct"
[ "$one" -le 2 ] && [ "$all" -gt 50000 ] && [ "$distinct" -le 10100 ]
