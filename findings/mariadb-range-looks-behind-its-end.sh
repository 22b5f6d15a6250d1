#!/usr/bin/env bash
# MariaDB 10.11 (Debian's mariadb-server): InnoDB recognises the end of a range by the next existing row. While an old snapshot prevents deleted rows
# from being removed, a read of three rows goes through all of the deleted rows that follow.
#
# A log in one table, slice by slice: PRIMARY KEY (slice, position). A session keeps a snapshot, as a dump or a forgotten transaction does. Slice 1
# gets 20,000 rows, which are deleted again; slice 0 has three. A reader of slice 0, WHERE slice = 0 AND position > 0 ORDER BY position LIMIT 512,
# gets its three rows by the primary key, and EXPLAIN and the counters of the handler say what they say without a neighbour: a range, three rows. But
# to learn that there is no fourth InnoDB walks to the first row behind the range that somebody may see, past all that was deleted in slice 1, on each
# such read. With a LIMIT of what is there it need not know. Nor where it looks up by the first column alone: then it compares the prefix before it
# asks who may see the row.
#
# Seen, as pages that each read asks the buffer pool for (the same three rows, no other client):
#   LIMIT 512, before the neighbour's rows are deleted    few
#   LIMIT 512, after                                      more than a hundred
#   LIMIT 3, after                                        few
#   slice = 0 AND position + 0 > 0, LIMIT 512, after      few
#
# Exits 0 as long as MariaDB does this, 1 once it no longer does, 2 without MariaDB or if the check cannot be made.
set -euo pipefail
[ -x /usr/sbin/mariadbd ] || exit 2
folder=$(mktemp -d)
server=
stop() {
  exec 3>&- || true
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
sql -e 'CREATE DATABASE work; CREATE TABLE work.log (slice INT, position BIGINT, body TEXT NOT NULL, PRIMARY KEY (slice, position)) ENGINE = InnoDB'
sql work -e "INSERT INTO log SELECT 0, seq, 'kept' FROM seq_1_to_3"

# The session that keeps its snapshot until the end.
mkfifo orders
sql work <orders >/dev/null &
exec 3>orders
echo 'START TRANSACTION WITH CONSISTENT SNAPSHOT; SELECT COUNT(*) FROM log; DO SLEEP(0);' >&3
for _ in $(seq 100); do
  [ "$(sql -e "SELECT COUNT(*) FROM information_schema.innodb_trx")" = 1 ] && break || sleep 0.1
done

sql work -e "INSERT INTO log SELECT 1, seq, REPEAT('x', 200) FROM seq_1_to_20000"
requests="SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'Innodb_buffer_pool_read_requests'"
tell() {
  local found rows pages
  found=$(sql work -e "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; $requests; SELECT slice, position FROM log WHERE $2; $requests")
  rows=$(grep -c $'^0\t' <<<"$found")
  pages=$(($(tail -1 <<<"$found") - $(head -1 <<<"$found")))
  echo "$1: $rows rows, $pages pages" >&2
  if [ "$pages" -gt 100 ]; then echo "$1: $rows rows, many pages"; else echo "$1: $rows rows, few pages"; fi
}
range='slice = 0 AND position > 0 ORDER BY position LIMIT'
seen=$(
  tell before "$range 512"
  sql work -e 'DELETE FROM log WHERE slice = 1' >&2
  tell after "$range 512"
  tell exact "$range 3"
  tell prefix 'slice = 0 AND position + 0 > 0 ORDER BY position LIMIT 512'
)
echo "$seen"
[ "$seen" = $'before: 3 rows, few pages\nafter: 3 rows, many pages\nexact: 3 rows, few pages\nprefix: 3 rows, few pages' ]
