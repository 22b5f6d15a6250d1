#!/usr/bin/env bash
# MariaDB 10.11.19 (Debian 12): JSON_CONTAINS and JSON_OVERLAPS take two large ids for the same one, while JSON_EXTRACT and JSON_EQUALS tell them apart.
#
# MariaDB keeps JSON as its text, so an id of 17 to 19 digits, as Snowflake generators make them, is exact in a column, and JSON_EXTRACT and
# JSON_VALUE return it as it was written. So you would expect `JSON_CONTAINS(members, '9007199254740993')` to find the documents that have this id.
# But the two functions compare numbers as doubles, which lie 128 apart at 18 digits, and ids that one generator makes in a millisecond differ by 1.
# The query returns the rows of other ids along with the right one, and an UPDATE with the same condition changes them. There is no warning. With ids
# as texts everything works.
#
# Seen, for the rows [900719925474099267], [900719925474099268] and [5], and the id 900719925474099267:
#   WHERE JSON_CONTAINS(members, id)         two rows
#   WHERE JSON_OVERLAPS(members, [id])       two rows
#   WHERE JSON_EQUALS(members, [id])         one row
#   WHERE JSON_VALUE(members, '$[0]') = id   one row
#   the same with ids as texts, by JSON_CONTAINS     one row
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail

PATH=$PATH:/usr/sbin
command -v mariadbd >/dev/null || { echo 'MariaDB is missing (apt-get install mariadb-server)'; exit 2; }
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || { kill -9 "$server"; wait "$server" 2>/dev/null || true; }; rm -rf "$folder"' EXIT
cd "$folder"

user=()
[ "$(id -u)" != 0 ] || user=(--user=root)
mariadb-install-db --no-defaults --datadir="$folder/data" --tmpdir="$folder" "${user[@]}" --auth-root-authentication-method=normal --skip-test-db >/dev/null 2>&1
mariadbd --no-defaults "${user[@]}" --datadir="$folder/data" --tmpdir="$folder" --socket="$folder/socket" --pid-file="$folder/pid" --skip-networking \
  >"$folder/log" 2>&1 &
server=$!
for _ in $(seq 300); do
  [ ! -S "$folder/socket" ] || break
  sleep 0.2
done
[ -S "$folder/socket" ] || exit 2

found=$(mariadb --no-defaults --user=root --socket="$folder/socket" --batch --skip-column-names <<'SQL'
CREATE DATABASE findings;
USE findings;
CREATE TABLE teams (members JSON NOT NULL);
INSERT INTO teams VALUES ('[900719925474099267]'), ('[900719925474099268]'), ('[5]');
CREATE TABLE named (members JSON NOT NULL);
INSERT INTO named VALUES ('["900719925474099267"]'), ('["900719925474099268"]'), ('["5"]');
SELECT CONCAT_WS(' ',
  (SELECT COUNT(*) FROM teams WHERE JSON_CONTAINS(members, '900719925474099267')),
  (SELECT COUNT(*) FROM teams WHERE JSON_OVERLAPS(members, '[900719925474099267]')),
  (SELECT COUNT(*) FROM teams WHERE JSON_EQUALS(members, '[900719925474099267]')),
  (SELECT COUNT(*) FROM teams WHERE CAST(JSON_VALUE(members, '$[0]') AS UNSIGNED) = 900719925474099267),
  (SELECT COUNT(*) FROM named WHERE JSON_CONTAINS(members, '"900719925474099267"')));
SQL
)
echo "rows by JSON_CONTAINS, JSON_OVERLAPS, JSON_EQUALS, JSON_VALUE, and JSON_CONTAINS of texts: $found"
if [ "$found" = '2 2 1 1 1' ]; then
  echo 'as described'
else
  echo 'not as described any more'
  exit 1
fi
