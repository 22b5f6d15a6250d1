#!/usr/bin/env bash
# MariaDB 10.11 (Debian's mariadb-server): whoever polls information_schema.innodb_trx more often than ten times a second never sees anything change.
#
# The table is the way to wait until a transaction waits for a lock, or until a migration may begin, and a test or a tool polls it in a short loop. It
# shows a copy, which is made anew only when a tenth of a second has passed since it was last *read*, not since it was made; MySQL's manual mentions
# this in a remark on internal data, but not in the description of the table. So each look postpones the next copy, and a loop without a pause waits
# forever, on any connection; a second poller on another connection does the same to the first.
#
# Seen, for a transaction that waits for a lock from the first look on: 150 looks, 20 ms apart, none of which sees it; the first look after a pause of 200 ms
# does.
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
sql -e "CREATE DATABASE work; CREATE TABLE work.jobs (id INT PRIMARY KEY) ENGINE = InnoDB; INSERT INTO work.jobs VALUES (1)"

mkfifo holder waiter looks answers
sql work <holder >/dev/null 2>&1 & exec 3>holder
sql work <waiter >/dev/null 2>&1 & exec 4>waiter
sql -n <looks >answers & exec 5>looks 6<answers
look() {
  echo "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT';" >&5
  read -r count <&6
}
echo 'BEGIN; SELECT * FROM jobs FOR UPDATE;' >&3
sleep 1
look
echo 'SET innodb_lock_wait_timeout = 60; BEGIN; SELECT * FROM jobs FOR UPDATE;' >&4
seen=0
for _ in $(seq 150); do
  look
  [ "$count" = 0 ] || seen=$((seen + 1))
  sleep 0.02
done
sleep 0.2
look
exec 3>&- 4>&- 5>&-
echo "looks that saw it: $seen of 150; after a pause: $count"
[ "$seen" = 0 ] && [ "$count" = 1 ]
