#!/usr/bin/env bash
# MariaDB 10.11 (Debian's mariadb-server): a running maximum, MAX(…) OVER (ORDER BY …), reads all rows before each row again, while a running sum reads each
# row once.
#
# Both have the same frame: from the first row to the current one. It only grows, so either value follows from the previous one. MariaDB does so for
# SUM and COUNT, which can also be undone when a row leaves a frame. For MIN and MAX, which cannot, it goes through the whole frame anew at each row,
# although no row ever leaves this one. So twice as many rows take four times as long, and a report that takes a moment in a test takes hours on a
# million rows. A variable (@highest := GREATEST(@highest, …)) reads each row once, where one may use that.
#
# Seen, as rows read (Handler_read_%) for each row of the result, at 1,000 and at 2,000 rows:
#   SUM(v) OVER (ORDER BY id)    9 and 9, those of sorting and of the result among them
#   MAX(v) OVER (ORDER BY id)    509 and 1009
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
sql -e 'CREATE DATABASE work; CREATE TABLE work.readings (id BIGINT PRIMARY KEY, v BIGINT NOT NULL) ENGINE = InnoDB'
sql work -e 'INSERT INTO readings SELECT seq, seq * 7 % 1000 FROM seq_1_to_2000'

# Rows read for each row of the result.
share() {
  sql work -e "FLUSH STATUS; SELECT COUNT(w) FROM (SELECT $1(v) OVER (ORDER BY id) AS w FROM readings WHERE id <= $2) AS all_of_them;
    SHOW SESSION STATUS LIKE 'Handler_read%'" | awk -v rows="$2" '/^Handler/ { sum += $2 } END { print int(sum / rows) }'
}
seen="$(share SUM 1000) $(share SUM 2000) $(share MAX 1000) $(share MAX 2000)"
echo "rows read a row, sum and maximum of 1,000 and 2,000: $seen"
read -r sum1 sum2 max1 max2 <<<"$seen"
# A sum stays as it is, a maximum doubles.
[ "$sum1" -lt 20 ] && [ "$sum2" -lt 20 ] && [ "$max1" -gt 400 ] && [ "$max2" -gt $((max1 * 18 / 10)) ]
