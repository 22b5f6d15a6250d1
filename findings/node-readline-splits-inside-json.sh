#!/usr/bin/env bash
# Node.js 26.10.0 (npm package node@26.10.0), node:readline, and so `filehandle.readLines()`: a line that JSON.stringify has written comes out as two.
#
# JSON Lines ends each value by "\n", and JSON.stringify writes no line break inside a value: it escapes "\n" and "\r". The documentation
# (https://nodejs.org/api/readline.html#event-line) says that a line ends by `\n`, `\r` or `\r\n`, and recommends readline for reading a file line by
# line. So you would expect text written line by line to be read line by line. But readline ends a line at U+2028 and U+2029 too, the line and
# paragraph separators, which JSON leaves as they are. They come with text that was pasted from a word processor or a page. A consumer that skips
# lines that do not parse loses the event, one that stops at them stops for good, and an offset that counts lines is wrong from there on.
#
# Seen, of three events of which the second has a U+2028 in its text:
#   written by JSON.stringify                  3 lines
#   for await of readline.createInterface()    4 lines, of which 2 parse
#   filehandle.readLines()                     4 lines, of which 2 parse
#   split at "\n"                              3 lines, of which 3 parse
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund node@26.10.0 >/dev/null 2>&1 || exit 2

cat >lines.mjs <<'JS'
import { createReadStream } from 'node:fs';
import { open, readFile, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';

const events = [{ text: 'one' }, { text: 'first line\u2028second line' }, { text: 'three' }];
await writeFile('events.jsonl', events.map((event) => `${JSON.stringify(event)}\n`).join(''));

const file = await open('events.jsonl');
const read = {
  'createInterface()': await Array.fromAsync(createInterface({ input: createReadStream('events.jsonl') })),
  'readLines()': await Array.fromAsync(file.readLines()),
  'split at "\\n"': (await readFile('events.jsonl', 'utf8')).trimEnd().split('\n'),
};
const parses = (line) => {
  try {
    return Boolean(JSON.parse(line));
  } catch {
    return false;
  }
};
const found = Object.values(read).map((lines) => [lines.length, lines.filter(parses).length]);
for (const [index, by] of Object.keys(read).entries()) {
  console.log(`${by}: ${found[index][0]} lines, of which ${found[index][1]} parse`);
}
if (String(found[2]) !== '3,3') process.exit(2);
const isAsDescribed = String(found[0]) === '4,2' && String(found[1]) === '4,2';
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node_modules/.bin/node lines.mjs
