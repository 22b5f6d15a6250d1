#!/usr/bin/env bash
# protobufjs 8.8.1: `verify()` accepts any integer for any integer field, and `encode` then writes another number.
#
# The README says of `verify` that it "checks whether a plain object can be encoded as-is", and recommends it for objects that are not sure to have
# the right shape. It refuses a fraction in an int32, and a text. So you would expect accepted values to arrive. But it does not check the range: a
# number that does not fit loses its upper bits, by `create` as well as by `fromObject`. A total in cents above 21,474,836.47 in an int32 turns
# negative, a moment in milliseconds some day around New Year 1970, a -1 for "unknown" in a uint32 becomes 4,294,967,295, and 4,294,967,296 becomes 0,
# which is what a field has that was never set. Java, Go and Python refuse such a value, or their types cannot hold it.
#
# Seen, where verify() says null, which is "valid", to each:
#   int32 total = 3000000000          arrives as -1294967296
#   uint32 count = -1                 arrives as 4294967295
#   uint32 count = 4294967296         arrives as 0
#   map<int32, string> 3000000000     arrives as -1294967296
#   int64 offset = 1e19               arrives as -8446744073709551616
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts protobufjs@8.8.1 >/dev/null 2>&1 || exit 2

cat >ranges.mjs <<'JS'
import protobuf from 'protobufjs';

const { root } = protobuf.parse(`
  syntax = "proto3";
  message Order {
    int32 total = 1;
    uint32 count = 2;
    int64 offset = 3;
    map<int32, string> names = 4;
  }
`);
const Order = root.lookupType('Order');
const arrived = (order) =>
  Order.toObject(Order.decode(Order.encode(Order.create(order)).finish()), { longs: String, defaults: true });

if (Order.verify({ total: 1.5 }) === null || Order.verify({ total: 'many' }) === null) process.exit(2);
let isAsDescribed = true;
for (const [order, read, expected] of [
  [{ total: 3_000_000_000 }, ({ total }) => total, -1_294_967_296],
  [{ count: -1 }, ({ count }) => count, 4_294_967_295],
  [{ count: 4_294_967_296 }, ({ count }) => count, 0],
  [{ names: { 3000000000: 'a' } }, ({ names }) => Number(Object.keys(names)[0]), -1_294_967_296],
  [{ offset: 1e19 }, ({ offset }) => offset, '-8446744073709551616'],
]) {
  const verdict = Order.verify(order);
  const found = read(arrived(order));
  console.log(`${JSON.stringify(order)}: verify says ${verdict}; arrives as ${found}`);
  if (verdict !== null || found !== expected) isAsDescribed = false;
}
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node ranges.mjs
