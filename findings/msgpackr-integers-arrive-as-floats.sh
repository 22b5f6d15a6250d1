#!/usr/bin/env bash
# msgpackr 2.1.4 and cbor-x 1.6.9 with Python's msgpack 1.2.4 and cbor2 6.3.0: an integer from 4,294,967,296 on arrives as a float, a smaller one as an int.
#
# MessagePack and CBOR have 64-bit integers, which is a reason to use them instead of JSON between languages. msgpackr and cbor-x write a whole
# JavaScript number as an integer, and anything else as a double; so you would expect a whole number to be an integer elsewhere. But above 32 bits
# they write a double. A row number is an int in Python until it is 4,294,967,295, and a float from then on; a time in milliseconds is always one.
# Nothing fails where it is only compared. But in a text, a key, a URL or JSON it has ".0" behind it: "order-4294967296.0" is not found, and an inbox
# that drops repeats takes both forms of one id for two. @msgpack/msgpack 3.1.3 and cbor2 2.3.0, the other JavaScript libraries of the two formats,
# write integers.
#
# Seen, as f"order-{id}" in Python:
#   id                  msgpackr and cbor-x          @msgpack/msgpack and cbor2
#   4294967295          order-4294967295             order-4294967295
#   4294967296          order-4294967296.0           order-4294967296
#   1767225600000       order-1767225600000.0        order-1767225600000
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts \
  msgpackr@2.1.4 cbor-x@1.6.9 @msgpack/msgpack@3.1.3 cbor2@2.3.0 >/dev/null 2>&1 || exit 2
python3 -m pip install --quiet --target python msgpack==1.2.4 cbor2==6.3.0 >/dev/null 2>&1 || exit 2

cat >write.mjs <<'JS'
import { writeFileSync } from 'node:fs';
import { encode as encodeMessagePack } from '@msgpack/msgpack';
import { encode as encodeCborX } from 'cbor-x';
import { encode as encodeCbor2 } from 'cbor2';
import { pack } from 'msgpackr';

const ids = [4294967295, 4294967296, 1767225600000];
for (const [name, encode] of Object.entries({
  'msgpackr.msgpack': pack,
  'other.msgpack': encodeMessagePack,
  'cbor-x.cbor': encodeCborX,
  'other.cbor': encodeCbor2,
})) {
  writeFileSync(name, encode({ ids }));
}
JS
cat >read.py <<'PY'
import cbor2
import msgpack


def names(file):
    read = msgpack.unpackb if file.endswith("msgpack") else cbor2.loads
    with open(file, "rb") as written:
        found = [f"order-{id}" for id in read(written.read())["ids"]]
    print(f"{file}: {', '.join(found)}")
    return found


whole = ["order-4294967295", "order-4294967296", "order-1767225600000"]
floats = [whole[0], *(name + ".0" for name in whole[1:])]
if names("other.msgpack") != whole or names("other.cbor") != whole:
    raise SystemExit(2)
is_as_described = names("msgpackr.msgpack") == floats and names("cbor-x.cbor") == floats
print("as described" if is_as_described else "not as described any more")
raise SystemExit(0 if is_as_described else 1)
PY
node write.mjs
PYTHONPATH=python python3 read.py
