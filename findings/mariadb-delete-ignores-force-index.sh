#!/usr/bin/env bash
# MariaDB 10.11 (Debian's mariadb-server): a DELETE that names its table by an alias ignores FORCE INDEX, reads the whole table if it is small, and so
# waits for rows it does not ask for.
#
# A queue in a table is nearly empty most of the time. A consumer locks rows with SELECT … FORCE INDEX (PRIMARY) WHERE id IN (…) FOR UPDATE, which
# looks each of them up, and then deletes them with the same condition and the same hint, which the grammar allows in the form with an alias. That
# DELETE is a scan: EXPLAIN says ALL, without a key, for nine of twelve rows. Under READ COMMITTED a scan waits for each row that another transaction
# has locked, and an insert that has not committed is such a row. So one producer with a long transaction holds up all consumers, by a row that none
# of them has seen. Joined by STRAIGHT_JOIN to a list of the places (JSON_TABLE), each is looked up, and nobody waits.
#
# Seen, as how each statement reads the queue, and what becomes of it beside an insert that is not committed:
#   SELECT … FORCE INDEX … IN … FOR UPDATE   range, done
#   DELETE … FORCE INDEX … IN …              ALL, waits (error 1205 after the lock wait time-out of a second)
#   DELETE … STRAIGHT_JOIN … FORCE INDEX     eq_ref, done
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
sql -e 'CREATE DATABASE work; CREATE TABLE work.queue (id BIGINT PRIMARY KEY, job TEXT NOT NULL) ENGINE = InnoDB'
sql work -e "INSERT INTO queue SELECT seq, 'job' FROM seq_2_to_12"

# The producer: its row is the first, and it does not commit until the end.
mkfifo orders
sql work <orders >/dev/null &
exec 3>orders
echo "BEGIN; INSERT INTO queue VALUES (1, 'not committed');" >&3
for _ in $(seq 100); do
  [ "$(sql -e 'SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_rows_modified > 0')" = 1 ] && break || sleep 0.1
done

list='2, 3, 4, 5, 6, 7, 8, 9, 10'
json=$(printf '[%s]' "$list")
table="JSON_TABLE('$json', '\$[*]' COLUMNS (id BIGINT PATH '\$')) AS asked"
tell() {
  local how what
  how=$(sql work -e "EXPLAIN $2" | awk -F'\t' '$3 == "queue" || $3 == "gone" { print $4 }')
  what=$(sql work -e "SET SESSION innodb_lock_wait_timeout = 1; SET TRANSACTION ISOLATION LEVEL READ COMMITTED; BEGIN; $2; ROLLBACK" 2>&1 >/dev/null) || true
  case "$what" in
    '') what=done ;;
    *1205*) what=waits ;;
    *) echo "$what" && exit 2 ;;
  esac
  echo "$1: $how, $what"
}
seen=$(
  tell select "SELECT id, job FROM queue FORCE INDEX (PRIMARY) WHERE id IN ($list) FOR UPDATE"
  tell delete "DELETE gone FROM queue AS gone FORCE INDEX (PRIMARY) WHERE gone.id IN ($list)"
  tell joined "DELETE gone FROM $table STRAIGHT_JOIN queue AS gone FORCE INDEX (PRIMARY) ON gone.id = asked.id"
)
echo "$seen"
exec 3>&-
[ "$seen" = $'select: range, done\ndelete: ALL, waits\njoined: eq_ref, done' ]
