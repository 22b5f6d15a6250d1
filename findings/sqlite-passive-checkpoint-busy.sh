#!/usr/bin/env bash
# SQLite as of node:sqlite of Node.js 26.10.0 (npm package node@26.10.0), PRAGMA wal_checkpoint.
#
# The manual says that the pragma returns three numbers: a first one that may be 1 for FULL, RESTART and TRUNCATE checkpoints that were blocked, how
# many pages the write-ahead log has, and how many of them are in the database file now; the latter two are -1 "if there is no write-ahead log". So a
# program that compares the two takes `logged = copied` for "all of the log is in the file". But a PASSIVE checkpoint, the one without a name, answers
# 1, -1 and -1 as well while another connection is making a checkpoint: there is a log, perhaps none of it is in the file, and the two numbers are
# equal. Measured at that moment, the file is shorter than it will be.
#
# Seen: of a database of 26 pages the file has 1. A PASSIVE checkpoint beside a FULL one that waits for a writer answers "1, -1, -1"; once the writer
# and the reader have gone, "0, 28, 28".
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true}' >package.json
npm install --silent --no-audit --no-fund node@26.10.0 >/dev/null 2>&1 || exit 2

cat >busy.mjs <<'JS'
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

const path = 'data.db';
const [writer, reader, other] = [1, 2, 3].map(() => new DatabaseSync(path));
writer.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE texts (text TEXT)');
// A reader of the time before keeps what comes now from being copied to the file.
reader.exec('BEGIN; SELECT * FROM texts');
writer.exec("INSERT INTO texts VALUES (printf('%.100000c', 'x')); BEGIN IMMEDIATE");
const pages = writer.prepare('PRAGMA page_count').get().page_count;
const inFile = () => statSync(path).size / 4096;

// A FULL checkpoint waits for the writer.
const full = new Worker(
  `const { DatabaseSync } = require('node:sqlite');
  new DatabaseSync('data.db', { timeout: 60_000 }).exec('PRAGMA wal_checkpoint(FULL)');`,
  { eval: true },
);
const ended = once(full, 'exit');
const passive = () => Object.values(other.prepare('PRAGMA wal_checkpoint(PASSIVE)').get());
let beside = passive();
for (let tries = 0; tries < 200 && beside[0] === 0; tries += 1) {
  await setTimeout(10);
  beside = passive();
}
const inFileThen = inFile();
reader.exec('COMMIT');
writer.exec('ROLLBACK');
await ended;
const alone = passive();
console.log(`SQLite ${process.versions.sqlite}: the database has ${pages} pages, its file ${inFileThen}`);
console.log(`beside another checkpoint: ${beside.join(', ')}; alone: ${alone.join(', ')}`);
if (inFileThen >= pages) process.exit(2);
const isAsDescribed = beside.join() === '1,-1,-1' && alone[0] === 0 && alone[1] > 0 && alone[1] === alone[2];
process.exitCode = isAsDescribed ? 0 : 1;
JS
node_modules/.bin/node busy.mjs
