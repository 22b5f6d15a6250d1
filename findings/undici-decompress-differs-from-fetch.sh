#!/usr/bin/env bash
# undici 8.12.4: `interceptors.decompress()` fails on two valid answers that undici's own `fetch` reads.
#
# 1. An answer without a body that has `Content-Encoding: gzip`, as servers that compress by default send. `fetch` reads an empty
#    text; `request` with the interceptor rejects with "unexpected end of file".
# 2. `Content-Encoding: deflate` without the wrapping of zlib, as several servers have always sent it. `fetch` looks at the first byte
#    and reads the text; the interceptor rejects with "incorrect header check".
#
# A third answer is read by neither: `Content-Encoding: identity, gzip` comes through still compressed, with no error.
#
# Exits 0 as long as that is so, and otherwise says what has changed. Seen with Node.js 26.10.0.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund undici@8.12.4 node@26.10.0

cat > try.mjs <<'JS'
import { createServer } from 'node:http';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { Agent, fetch, interceptors, request } from 'undici';

const text = '{"id":"m-1"}';
const answers = {
  '/empty': ['gzip', ''],
  '/raw-deflate': ['deflate', deflateRawSync(text)],
  '/identity-gzip': ['identity, gzip', gzipSync(text)],
};
const server = createServer(({ url }, response) => {
  const [encoding, body] = answers[url];
  response.writeHead(200, { 'content-encoding': encoding }).end(body);
}).listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const base = `http://127.0.0.1:${server.address().port}`;
const dispatcher = new Agent().compose(interceptors.decompress());

const shown = (found) => found.then((body) => (/^[ -~]*$/.test(body) ? `"${body}"` : 'bytes of gzip'), (error) => `error: ${error.message}`);
const expected = {
  '/empty': ['""', 'error: unexpected end of file'],
  '/raw-deflate': [`"${text}"`, 'error: incorrect header check'],
  '/identity-gzip': ['bytes of gzip', 'bytes of gzip'],
};
let isAsDescribed = true;
for (const path of Object.keys(answers)) {
  const byFetch = await shown(fetch(base + path).then((answer) => answer.text()));
  const byRequest = await shown(request(base + path, { dispatcher }).then((answer) => answer.body.text()));
  console.log(`${path}: fetch reads ${byFetch}; request with interceptors.decompress() reads ${byRequest}`);
  if (byFetch !== expected[path][0] || byRequest !== expected[path][1]) isAsDescribed = false;
}
console.log(isAsDescribed ? 'as described' : 'no longer as described');
process.exit(isAsDescribed ? 0 : 1);
JS

node_modules/.bin/node --no-warnings try.mjs
