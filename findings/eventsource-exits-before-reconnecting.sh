#!/usr/bin/env bash
# eventsource 5.1.5, and so undici 8.12.4: a process that only listens to an EventSource ends, with exit code 0, when the connection does.
#
# An EventSource reconnects by itself, which is its main attraction: its process may run longer than the server that sends the events. While it is
# connected its socket keeps the process alive. But the timer of the pause before it reconnects (three seconds, or what the server says by `retry:`)
# is unreferenced. A worker that has nothing else open leaves its event loop in that pause: the error handler runs, `readyState` says CONNECTING, and
# the process is gone. Exit code 0 tells a supervisor that restarts on failure that the work is done. It also happens at the start, if the server is
# not up yet. Neither README says so. In a test, or beside an HTTP server, something else is open, and it reconnects.
#
# Seen, where the server ends each answer after one event: the process hears event 1 and exits with 0; with an idle timer of its own it hears 1, 2, 3
# with the right Last-Event-ID each time. The same with either library.
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund eventsource@5.1.5 undici@8.12.4 node@26.10.0 >/dev/null 2>&1 || exit 2
node=node_modules/.bin/node

cat >server.mjs <<'JS'
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  const number = Number(request.headers['last-event-id'] ?? 0) + 1;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end(`retry: 100\nid: ${number}\ndata: event ${number}\n\n`);
}).listen(0, '127.0.0.1', () => writeFileSync('port', String(server.address().port)));
JS
cat >worker.mjs <<'JS'
const [library, idles] = process.argv.slice(2);
const { EventSource } = await import(library);
const heard = [];
const events = new EventSource(`http://127.0.0.1:${process.env.PORT}/`);
events.onmessage = ({ data }) => {
  heard.push(data);
  if (heard.length === 3) process.exit(3);
};
if (idles !== undefined) setTimeout(() => process.exit(4), 20_000);
process.on('exit', (code) => console.log(`heard ${heard.join(', ')}; readyState ${events.readyState}; exit code ${code}`));
JS
"$node" server.mjs &
server=$!
for _ in $(seq 100); do
  [ -s port ] && break
  sleep 0.1
done
PORT=$(cat port) || exit 2
export PORT

isAsDescribed=true
for library in eventsource undici; do
  alone=$(timeout 30 "$node" --no-warnings worker.mjs "$library") || true
  beside=$(timeout 30 "$node" --no-warnings worker.mjs "$library" idles) || true
  echo "$library alone: $alone"
  echo "$library beside an idle timer: $beside"
  [ "$beside" = 'heard event 1, event 2, event 3; readyState 1; exit code 3' ] || exit 2
  [ "$alone" = 'heard event 1; readyState 0; exit code 0' ] || isAsDescribed=false
done
[ "$isAsDescribed" = true ]
