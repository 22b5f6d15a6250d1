#!/usr/bin/env bash
# lmdb 3.5.6 (lmdb-js) with `cache: true`: a value that was put in an aborted transaction is still read after it, and the next transaction stores it.
#
# The README (https://github.com/kriszyp/lmdb-js#readme) says that `transactionSync` is aborted if its callback throws or returns ABORT, and offers
# `cache` for faster reads. You would expect the old value after an abort, with and without it. But `put` writes to the cache as well, and an abort
# does not clean the cache. The handle reads the value that was rolled back, and an entry that was never stored, which `doesExist` confirms; `getRange`
# and a handle without a cache read what is on the disk. A later transaction that reads, adds and writes, as the README shows it, computes from the wrong value,
# and so commits half of what was aborted. `cache: { validated: true }`, which is for values that other processes change, does not help. An aborted
# `remove` leaves nothing behind.
#
# Seen, for an account of 100 that a transfer to a new account takes to 70 before it throws, and to which 1 is added afterwards:
#   cache                    from get    to get      to doesExist    from getRange    stored after adding 1
#   false                    100         undefined   false           100              101
#   true                     70          30          true            100              71
#   { validated: true }      70          30          true            100              71
# The same if the callback returns ABORT instead of throwing.
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts lmdb@3.5.6 >/dev/null 2>&1 || exit 2

cat >transfer.mjs <<'JS'
import { ABORT, open } from 'lmdb';

let folders = 0;
async function seenWith(cache, isThrowing) {
  folders += 1;
  const path = `accounts-${folders}`;
  const accounts = open({ path, cache });
  await accounts.put('from', { amount: 100 });
  await accounts.put('other', { amount: 5 });
  try {
    accounts.transactionSync(() => {
      accounts.put('from', { amount: accounts.get('from').amount - 30 });
      accounts.put('to', { amount: 30 });
      accounts.remove('other');
      if (isThrowing) throw new Error('the receiver is closed');
      return ABORT;
    });
  } catch (error) {
    if (error.message !== 'the receiver is closed') throw error;
  }
  const range = Object.fromEntries([...accounts.getRange()].map(({ key, value }) => [key, value.amount]));
  // What is on the disk, by a range, and what a removed entry is, are as they were in any case.
  if (JSON.stringify(range) !== '{"from":100,"other":5}' || accounts.get('other')?.amount !== 5) process.exit(2);
  const afterwards = [accounts.get('from').amount, accounts.get('to')?.amount, accounts.doesExist('to'), range.from];
  accounts.transactionSync(() => {
    accounts.put('from', { amount: accounts.get('from').amount + 1 });
  });
  await accounts.close();
  const reopened = open({ path });
  const stored = reopened.get('from').amount;
  await reopened.close();
  return [...afterwards, stored].join(' ');
}

const wrong = '70 30 true 100 71';
let isAsDescribed = true;
for (const [cache, expected] of [[false, '100  false 100 101'], [true, wrong], [{ validated: true }, wrong]]) {
  for (const isThrowing of [true, false]) {
    const seen = await seenWith(cache, isThrowing);
    console.log(`cache ${JSON.stringify(cache)}, ${isThrowing ? 'thrown' : 'ABORT'}: ${seen}`);
    if (cache === false && seen !== expected) process.exit(2);
    isAsDescribed &&= seen === expected;
  }
}
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node transfer.mjs
