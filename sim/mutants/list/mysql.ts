import type { Mutant } from '../mutant.ts';
import { beside, contract, program } from '../suites.ts';

const folder = 'src/store/mysql';
const append = `${folder}/write/append-statements.ts`;
const writes = `${folder}/write/write-statements.ts`;
const connections = `${folder}/connection/connections.ts`;
const several = (named: string) => beside('store/mysql/several-stores', named);
const outages = (named: string) => beside('store/mysql/outages', named);
const opening = (named: string) => beside('store/mysql/opening', named);

/** The store for MySQL and MariaDB: what it says otherwise than that for PostgreSQL. */
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
    tests: [contract('mysql', 'a commit under an earlier claim takes no effect at all')],
  },
  {
    name: 'mysql-lease-taken-from-its-owner',
    promises: [2, 3],
    file: `${folder}/lease/lease-statements.ts`,
    find: 'AND process.until > ',
    replace: 'AND process.until > 2 * ',
    tests: [several('a lease keeps the others out')],
  },
  {
    name: 'mysql-id-known-for-ever',
    promises: [10],
    file: append,
    find: 'acceptedAt !== null && acceptedAt >= event.knownSince',
    replace: 'acceptedAt !== null',
    tests: [contract('mysql', 'a chosen id makes a duplicate')],
  },
  {
    name: 'mysql-number-skipped-is-no-longer-known',
    promises: [10],
    file: append,
    find: "known?.isSkipped ? 'late' : 'duplicate'",
    replace: "known?.isHeld ? 'late' : 'duplicate'",
    tests: [contract('mysql', 'a number that was skipped is late')],
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
    tests: [contract('mysql', 'an ordered delivery waits until those before it are gone')],
  },
  {
    name: 'mysql-put-replaces-by-any-unique-index',
    promises: [2],
    file: `${folder}/write/declared-statements.ts`,
    find: ', NULL)`;',
    replace: ', VALUES("id"))`;',
    tests: [opening('a unique index of the user')],
  },
  {
    name: 'mysql-flight-in-one-packet-whatever-its-length',
    promises: [7],
    file: `${folder}/connection/pieces.ts`,
    find: 'if (bytes + size > bytesMax) {',
    replace: 'if (bytes === Number.POSITIVE_INFINITY) {',
    tests: [opening('flights that are longer than a packet')],
  },
  {
    name: 'mysql-names-in-order-by-their-beginnings',
    promises: [5],
    file: `${folder}/connection/session.ts`,
    find: 'const sortedBytes = 64 * 1024;',
    replace: 'const sortedBytes = 1024;',
    tests: [contract('mysql', 'those that begin alike are told apart')],
  },
  {
    name: 'mysql-moment-copied-as-a-text',
    promises: [2],
    file: `${folder}/copy/mysql-copy-dialect.ts`,
    find: "if (moment && typeof value === 'string')",
    replace: "if (!moment && typeof value === 'bigint')",
    tests: [program('copy-columns', 'go along, from a file to PostgreSQL')],
  },
  {
    name: 'mysql-moment-in-the-zone-of-the-server',
    promises: [2],
    file: `${folder}/connection/session.ts`,
    find: '"time_zone = \'+00:00\'",',
    replace: '',
    tests: [opening('a server with a time zone of its own')],
  },
  {
    name: 'mysql-table-of-somebody-else-gets-indexes',
    promises: [2],
    file: `${folder}/schema/declared-tables.ts`,
    find: 'if (isTheirs) return missing;',
    replace: '',
    tests: [opening('is used as it is when its columns hold')],
  },
  {
    name: 'mysql-enumeration-in-any-order',
    promises: [2],
    file: `${folder}/schema/column-types.ts`,
    find: 'texts.toSorted(compareText)',
    replace: 'texts',
    tests: [contract('mysql', 'in the order of texts')],
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
      { file: 'src/engine/inbox/inbox-on-servers.test.ts', named: 'stays open keeps nobody waiting, and its rows come when it commits' },
    ],
  },
];
