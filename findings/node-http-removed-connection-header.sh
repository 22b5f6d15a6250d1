#!/usr/bin/env bash
# Node.js 26.10.0 (npm package node@26.10.0), node:http, ServerResponse.removeHeader().
#
# A client of HTTP/1.0 asks to keep its connection (`Connection: keep-alive`). Node.js keeps it, and says so by a header of its own.
# When a handler calls removeHeader('connection'), though it has never set that header, Node.js still keeps the connection and sends
# Content-Length, but leaves its own header out. By HTTP/1.0 an answer without it ends with the connection: such a client waits
# until the idle time-out of the server closes it. The call looks like one that cannot do anything.
#
# Seen: without the call "Connection: keep-alive" is in the answer; with it there is no Connection header, and the connection is still
# open and answers a second request.
#
# Exits 0 while that is so, 1 once the header is there (or the connection ends) after removeHeader(), 2 when the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true}' >package.json
npm install --silent --no-audit --no-fund node@26.10.0 >/dev/null 2>&1 || exit 2

cat >ask.mjs <<'JS'
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';

const server = createServer((request, response) => {
  if (request.url === '/removed') response.removeHeader('connection');
  response.setHeader('content-length', '2');
  response.end('ok');
}).listen(0, '127.0.0.1');
await once(server, 'listening');

/** Two requests on one connection; the heads of the answers, as many as come. */
async function headsOf(path) {
  const socket = connect(server.address().port, '127.0.0.1').setEncoding('latin1');
  const heads = [];
  for (let asked = 0; asked < 2; asked += 1) {
    socket.write(`GET ${path} HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n`);
    let answer = '';
    while (!answer.endsWith('\r\n\r\nok')) {
      const [chunk] = await Promise.race([once(socket, 'data'), once(socket, 'end').then(() => [undefined])]);
      if (chunk === undefined) return heads;
      answer += chunk;
    }
    heads.push(answer.split('\r\n\r\n')[0]);
  }
  socket.destroy();
  return heads;
}

for (const path of ['/plain', '/removed']) {
  const heads = await headsOf(path);
  const named = heads.filter((head) => /^connection: keep-alive$/im.test(head)).length;
  console.log(`${path}: ${heads.length} answers on one connection, ${named} with Connection: keep-alive`);
}
server.close();
server.closeAllConnections();
JS
node=node_modules/.bin/node
echo "version $("$node" --version)"
seen=$(timeout 30 "$node" ask.mjs) || exit 2
echo "$seen"
grep -q '^/plain: 2 answers on one connection, 2 with' <<<"$seen" || exit 2
grep -q '^/removed: 2 answers on one connection, 0 with' <<<"$seen"
