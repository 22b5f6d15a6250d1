import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { after, before, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MariadbServer, withoutMariadb } from './mariadb-server.ts';
import { PostgresServer, withoutPostgres } from './postgres-server.ts';
import { Program, temporaryFolder } from './program.ts';

/** Zones, with the minutes by which UTC is ahead of them in summer. */
const zones = { UTC: 0, 'Europe/Berlin': -120, 'America/New_York': 240 } as const;
type Zone = keyof typeof zones;
const [berlin, newYork] = ['Europe/Berlin', 'America/New_York'] as const;

const program = fileURLToPath(new URL('moments-program.ts', import.meta.url));

/** The expected results of a process in UTC, by the zone whose clock changes it covers. */
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

/** Runs the program in a zone, and returns its findings. */
async function run(context: TestContext, { zone, what, address, changes }: Asked): Promise<unknown> {
  const folder = temporaryFolder(context);
  const child = new Program(context, [what, address, changes], { folder, command: [process.execPath, program], environment: { TZ: zone } });
  const { code, stdout, stderr } = await child.ended;
  assert.equal(code, 0, stderr);
  const { zone: minutes, ...found } = JSON.parse(stdout);
  assert.equal(minutes, zones[zone], 'the process is in its zone');
  return found;
}

/** The location of a new database, which may be configured differently from the processes. */
interface Place {
  readonly address: string;
  /** Moves the server to another zone. */
  move(): Promise<unknown>;
}

/** The zones of the writers, and the databases they write to. */
const kinds: Readonly<
  Record<string, { readonly skip: string | false; readonly writers: readonly Zone[]; newDatabase(context: TestContext): Promise<Place> }>
> = {
  'in a file': {
    skip: false,
    writers: [berlin],
    newDatabase: async (context) => ({ address: join(temporaryFolder(context), 'mill.db'), move: async () => undefined }),
  },
  'on PostgreSQL': {
    skip: withoutPostgres,
    writers: [newYork],
    async newDatabase() {
      postgres ??= await PostgresServer.start();
      const moveTo = (zone: string) => postgres.query(`ALTER ROLE millrace SET timezone TO '${zone}'`);
      await moveTo('Asia/Kathmandu');
      return { address: await postgres.createDatabase(), move: () => moveTo('America/St_Johns') };
    },
  },
  'on MariaDB': {
    skip: withoutMariadb,
    writers: [berlin, newYork],
    async newDatabase() {
      mariadb ??= await MariadbServer.start();
      const moveTo = (zone: string) => mariadb.query(`SET GLOBAL time_zone = '${zone}'`);
      await moveTo('+05:45');
      const address = await mariadb.createDatabase();
      await mariadb.query(theirTable, new URL(address).pathname.slice(1));
      return { address, move: () => moveTo('-02:30') };
    },
  },
};

/** A table that somebody else has made: moments in columns like these are in the zone of the session. */
const theirTable = `CREATE TABLE processed_events (id VARCHAR(36) PRIMARY KEY, type ENUM('user_action', 'sensor_data', 'system_log') NOT NULL,
  source VARCHAR(50) NOT NULL, user_id VARCHAR(50), processed_data JSON NOT NULL, processing_time_ms DOUBLE NOT NULL,
  created_at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3), processed_at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3))`;

for (const [kind, { skip, writers, newDatabase }] of Object.entries(kinds)) {
  for (const writes of writers) {
    const reads = writes === berlin ? newYork : berlin;
    test(`data written by a process in ${writes} while clocks change is the same for one in ${reads}, ${kind}`, {
      skip,
    }, async (context) => {
      const { address, move } = await newDatabase(context);
      const asked = { address, changes: writes };
      assert.deepEqual(await run(context, { zone: writes, what: 'write', ...asked }), expected.get(writes));
      await move();
      assert.deepEqual(await run(context, { zone: reads, what: 'read', ...asked }), expected.get(writes));
    });
  }
}
