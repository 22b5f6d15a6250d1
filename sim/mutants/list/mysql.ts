import type { Mutant } from '../mutant.ts';
import { beside, contract, program } from '../suites.ts';

const folder = 'src/store/mysql';
const append = `${folder}/write/append-statements.ts`;
const writes = `${folder}/write/write-statements.ts`;
const connections = `${folder}/connection/connections.ts`;
const several = (named: string) => beside('store/mysql/several-stores', named);
const outages = (named: string) => beside('store/mysql/outages', named);
const opening = (named: string) => beside('store/mysql/opening', named);

/** The store for MySQL and MariaDB: its differences from the one for PostgreSQL. */
export const mysql: readonly Mutant[] = [
  {
    name: 'mysql-heads-not-locked',
    promises: [3, 10],
    file: append,
    find: ' FOR UPDATE`,',
    replace: '`,',
    tests: [several('positions are dense')],
  },
  {
    name: 'mysql-epoch-of-a-commit-not-looked-at',
    promises: [2],
    file: writes,
    find: 'WHERE NOT (fence.epoch <=> own.epoch)',
    replace: 'WHERE fence.epoch IS NULL',
    tests: [contract('mysql', 'a commit under an earlier claim has no effect at all')],
  },
  {
    name: 'mysql-lease-taken-from-its-owner',
    promises: [2, 3],
    file: `${folder}/lease/lease-statements.ts`,
    find: 'AND process.until > ',
    replace: 'AND process.until > 2 * ',
    tests: [several('a lease keeps others out until it is released')],
  },
  {
    name: 'mysql-id-known-for-ever',
    promises: [10],
    file: append,
    find: 'acceptedAt !== null && acceptedAt >= event.knownSince',
    replace: 'acceptedAt !== null',
    tests: [contract('mysql', 'a chosen id is a duplicate if it was accepted')],
  },
  {
    name: 'mysql-number-skipped-is-no-longer-known',
    promises: [10],
    file: append,
    find: "known?.isSkipped ? 'late' : 'duplicate'",
    replace: "known?.isHeld ? 'late' : 'duplicate'",
    tests: [contract('mysql', 'a skipped number is late, and its neighbours are duplicates')],
  },
  {
    name: 'mysql-transaction-left-open-behind-an-error',
    promises: [2],
    file: connections,
    find: 'isBroken = !(await this.#isRolledBack(client, error));',
    replace: 'isBroken = false;',
    tests: [contract('mysql', 'a commit whose row is refused leaves nothing behind')],
  },
  {
    name: 'mysql-locks-of-half-a-flight-kept',
    promises: [4],
    file: connections,
    find: 'const idle = ownText(idleFor(idleSeconds.inFlight));',
    replace: 'const idle = ownText(idleFor(idleSeconds.outside));',
    tests: [outages('cut off between the two pieces')],
  },
  {
    name: 'mysql-line-of-deliveries-stands-still',
    promises: [6],
    file: `${folder}/write/delivery-statements.ts`,
    find: '    [0, 0],\n',
    replace: '',
    tests: [contract('mysql', 'an ordered delivery waits until earlier ones of its endpoint and key are gone')],
  },
  {
    name: 'mysql-put-replaces-by-any-unique-index',
    promises: [2],
    file: `${folder}/write/declared-statements.ts`,
    find: ', NULL)`;',
    replace: ', VALUES("id"))`;',
    tests: [opening('a put that conflicts with another row in a user’s')],
  },
  {
    name: 'mysql-flight-in-one-packet-whatever-its-length',
    promises: [7],
    file: `${folder}/connection/pieces.ts`,
    find: 'if (bytes + size > bytesMax) {',
    replace: 'if (bytes === Number.POSITIVE_INFINITY) {',
    tests: [opening('flights longer than a packet are sent in pieces')],
  },
  {
    name: 'mysql-names-in-order-by-their-beginnings',
    promises: [5],
    file: `${folder}/connection/session.ts`,
    find: 'const sortedBytes = 64 * 1024;',
    replace: 'const sortedBytes = 1024;',
    tests: [contract('mysql', 'delivery names that differ only at their ends are in order')],
  },
  {
    name: 'mysql-moment-copied-as-a-text',
    promises: [2],
    file: `${folder}/copy/mysql-copy-dialect.ts`,
    find: "if (moment && typeof value === 'string')",
    replace: "if (!moment && typeof value === 'bigint')",
    tests: [program('copy-columns', 'moments, enumerations and texts with a length')],
  },
  {
    name: 'mysql-moment-in-the-zone-of-the-server',
    promises: [2],
    file: `${folder}/connection/session.ts`,
    find: '"time_zone = \'+00:00\'",',
    replace: '',
    tests: [opening('a server with its own time zone stores and returns moments in UTC')],
  },
  {
    name: 'mysql-table-of-somebody-else-gets-indexes',
    promises: [2],
    file: `${folder}/schema/declared-tables.ts`,
    find: 'if (isTheirs) return missing;',
    replace: '',
    tests: [opening('is used as it is if its columns can hold')],
  },
  {
    name: 'mysql-enumeration-in-any-order',
    promises: [2],
    file: `${folder}/schema/column-types.ts`,
    find: 'texts.toSorted(compareText)',
    replace: 'texts',
    tests: [contract('mysql', 'texts with a length and of an enumeration')],
  },
  {
    name: 'mysql-column-not-widened',
    promises: [2],
    file: `${folder}/schema/declared-tables.ts`,
    find: 'const columns = isTheirs ? []',
    replace: 'const columns = declared.length > 0 ? []',
    tests: [contract('mysql', 'a length may grow or shrink')],
  },
  {
    name: 'mysql-rows-of-the-inbox-looked-for-by-a-scan',
    promises: [5],
    file: writes,
    find: 'FORCE INDEX (PRIMARY) ON inbox.place = asked.place',
    replace: 'IGNORE INDEX (PRIMARY) ON inbox.place = asked.place',
    tests: [
      {
        file: 'src/engine/inbox/inbox-on-servers.test.ts',
        named: 'an open transaction holds nobody up, and its rows arrive when it commits',
      },
    ],
  },
  {
    name: 'mysql-range-of-held-events-deleted-by-a-scan',
    promises: [4],
    file: writes,
    find: "      addDeletion(flight, {\n        table: 'millrace_held',\n        key: asked,",
    replace:
      '      flight.add({\n        text: \'DELETE gone FROM millrace_held AS gone WHERE gone.pipeline = $1 AND gone.slice = $2 AND gone."key" = $3 AND gone."order" BETWEEN $4 AND $5\',\n        values: [String(pipeline), Number(slice), String(key), Number(first), Number(last)],\n      });\n      addDeletion(flight, {\n        table: \'millrace_held\',\n        key: asked,',
    tests: [beside('store/mysql/locks', 'releases of held events, one and several')],
  },
  {
    name: 'mysql-old-ids-found-with-locks',
    promises: [4],
    file: `${folder}/write/prune-statements.ts`,
    find: 'ORDER BY accepted_at LIMIT $4`;',
    replace: 'ORDER BY accepted_at LIMIT $4 FOR UPDATE`;',
    tests: [beside('store/mysql/locks', 'prunes old data')],
  },
  {
    name: 'mysql-rows-found-with-locks',
    promises: [4],
    file: `${folder}/write/found-rows.ts`,
    find: '{ table, key, condition, still, values }: FoundRows): void {',
    replace: "{ table, key, condition: given, still, values }: FoundRows): void {\n  const condition = given + ' FOR UPDATE';",
    tests: [beside('store/mysql/locks', 'leaves'), beside('store/mysql/locks', 'gives a command')],
  },
  {
    name: 'mysql-rows-of-a-pipeline-found-by-a-scan',
    promises: [4],
    file: `${folder}/write/remove-piece.ts`,
    find: 'WHERE pipeline = $1',
    replace: "WHERE CONCAT(pipeline, '') = $1",
    tests: [beside('store/mysql/locks', 'deletes a pipeline')],
  },
  {
    name: 'mysql-due-timers-in-order-by-their-names',
    promises: [5],
    file: `${folder}/read/bounded-lists.ts`,
    find: 'GROUP BY due_at, "key" ORDER BY due_at, "key" LIMIT $4`;',
    replace: 'GROUP BY due_at, "key", name ORDER BY due_at, "key", name LIMIT $4`;',
    tests: [beside('store/mysql/read/bounded-lists', 'due timers')],
  },
  {
    name: 'mysql-bodies-sorted-with-their-places',
    promises: [7],
    file: `${folder}/read/bounded-lists.ts`,
    find: 'OCTET_LENGTH(body) AS size FROM millrace_deliveries',
    replace: 'OCTET_LENGTH(body) AS size, body FROM millrace_deliveries',
    tests: [beside('store/mysql/read/bounded-lists', 'due deliveries')],
  },
];
