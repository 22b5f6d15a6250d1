import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { after, before, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MariadbServer, withoutMariadb } from './mariadb-server.ts';
import { PostgresServer, withoutPostgres } from './postgres-server.ts';
import { Program, temporaryFolder } from './program.ts';

/** Zones, and how many minutes UTC is ahead of them in summer. */
const zones = { UTC: 0, 'Europe/Berlin': -120, 'America/New_York': 240 } as const;
type Zone = keyof typeof zones;
const [berlin, newYork] = ['Europe/Berlin', 'America/New_York'] as const;

const program = fileURLToPath(new URL('moments-program.ts', import.meta.url));

/** What a process in UTC finds, by the zone whose changes of the clock it is about. */
const expected = new Map<Zone, unknown>();
let postgres: PostgresServer;
let mariadb: MariadbServer;

before(async (context) => {
  for (const changes of [berlin, newYork]) {
    const address = join(temporaryFolder(context as TestContext), 'mill.db');
    expected.set(changes, await run(context as TestContext, { zone: 'UTC', what: 'write', address, changes }));
  }
});
after(() => Promise.all([postgres?.stop(), mariadb?.stop()]));

interface Asked {
  readonly zone: Zone;
  readonly what: 'write' | 'read';
  readonly address: string;
  readonly changes: Zone;
}

/** Runs the program in a zone, and returns what it found. */
async function run(context: TestContext, { zone, what, address, changes }: Asked): Promise<unknown> {
  const folder = temporaryFolder(context);
  const child = new Program(context, [what, address, changes], { folder, command: [process.execPath, program], environment: { TZ: zone } });
  const { code, stdout, stderr } = await child.ended;
  assert.equal(code, 0, stderr);
  const { zone: minutes, ...found } = JSON.parse(stdout);
  assert.equal(minutes, zones[zone], 'the process is in its zone');
  return found;
}

/** In which zones there are writers; where a new database is; and how its server is told to be somewhere else than the processes. */
const kinds = {
  sqlite: { skip: false, writers: [berlin], newDatabase: async (context) => join(temporaryFolder(context), 'mill.db') },
  PostgreSQL: {
    skip: withoutPostgres,
    writers: [newYork],
    async newDatabase() {
      postgres ??= await PostgresServer.start();
      await postgres.query("ALTER ROLE millrace SET timezone TO 'Asia/Kathmandu'");
      return postgres.createDatabase();
    },
  },
  MariaDB: {
    skip: withoutMariadb,
    writers: [berlin, newYork],
    async newDatabase() {
      mariadb ??= await MariadbServer.start({ words: ['--default-time-zone=+05:45'] });
      return mariadb.createDatabase();
    },
  },
} satisfies Record<
  string,
  { readonly skip: string | false; readonly writers: readonly Zone[]; newDatabase(context: TestContext): Promise<string> }
>;

for (const [kind, { skip, writers, newDatabase }] of Object.entries(kinds)) {
  for (const writes of writers) {
    const reads = writes === berlin ? newYork : berlin;
    test(`what a process in ${writes} writes while clocks change is the same for one in ${reads}, on ${kind}`, {
      skip,
    }, async (context) => {
      const address = await newDatabase(context);
      const asked = { address, changes: writes };
      assert.deepEqual(await run(context, { zone: writes, what: 'write', ...asked }), expected.get(writes));
      assert.deepEqual(await run(context, { zone: reads, what: 'read', ...asked }), expected.get(writes));
    });
  }
}
