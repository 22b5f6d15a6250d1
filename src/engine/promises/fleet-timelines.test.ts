import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, type TestContext, test } from 'node:test';
import { MariadbServer, withoutMariadb } from '../../../test/mariadb-server.ts';
import { PostgresServer, withoutPostgres } from '../../../test/postgres-server.ts';
import { until } from '../../../test/until.ts';
import { mysql } from '../../store/mysql/mysql-store.ts';
import { postgres } from '../../store/postgres/postgres-store.ts';
import type { Store } from '../../store/store.ts';
import { type Mill, millrace } from '../mill.ts';
import type { TimelineItem, TimelinePlace } from '../timeline-page.ts';
import { steps, upTo } from './fixture.test.ts';

/** Leases of a killed process. */
const leaseMs = 1_000;
/** Far longer than anything here takes. */
const settleMs = 30_000;
const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
/** Steps of each key. A process is killed while it handles them. */
const stepsPerKey = 30;
/** The step whose first attempt fails, in every process. */
const failing = 3;

interface Server {
  createDatabase(): Promise<string>;
  stop(): Promise<void>;
}

interface Kind {
  readonly name: 'postgres' | 'mysql';
  readonly skip: string | false;
  start(): Promise<Server>;
  storeOf(url: string): Store;
}

const options = { partitions: 4, leaseMs };
const kinds: readonly Kind[] = [
  {
    name: 'postgres',
    skip: withoutPostgres,
    start: () => PostgresServer.start(),
    storeOf: (url) => postgres(url, options),
  },
  {
    name: 'mysql',
    skip: withoutMariadb,
    start: () => MariadbServer.start(),
    storeOf: (url) => mysql(url, options),
  },
];

/** An engine in a process of its own. It prints a line when it works, and one for each turn. */
const program = `
  const [name, url] = process.argv.slice(1);
  const of = (path) => import(new URL(path, ${JSON.stringify(import.meta.url)}));
  const make = (await of('../../store/' + name + '/' + name + '-store.ts'))[name];
  const { millrace } = await of('../mill.ts');
  const { steps } = await of('./fixture.test.ts');
  const attempt = ({ n }, attempt) => {
    if (n === ${failing} && attempt === 1) throw new Error('not today');
    console.log(n);
  };
  await millrace({ store: make(url, ${JSON.stringify(options)}), pipelines: [steps({ attempt })] }).start();
  console.log('started');
`;

for (const { name, skip, start, storeOf } of kinds) {
  describe(`the timelines of a fleet on ${name}`, { skip }, () => {
    let server: Server;
    before(async () => {
      server = await start();
    });
    after(() => server.stop());

    async function started(url: string, context: TestContext): Promise<Mill> {
      const attempt = ({ n }: { n: number }, attempt: number) => {
        if (n === failing && attempt === 1) throw new Error('not today');
      };
      const mill = await millrace({ store: storeOf(url), pipelines: [steps({ attempt }, { maxPending: 100 })] }).start();
      context.after(() => mill.stop());
      return mill as unknown as Mill;
    }

    async function startedElsewhere(url: string): Promise<ChildProcess> {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', program, name, url], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => assert.fail('it could not start'))]);
      return child;
    }

    test('whoever takes over from a killed process continues them, and any process reads them whole', async (context) => {
      const url = await server.createDatabase();
      const owner = await startedElsewhere(url);
      const mill = await started(url, context);
      const killed = new Promise<void>((resolve) => {
        owner.stdout?.on('data', (lines) => {
          if (String(lines).includes(`${stepsPerKey / 2}\n`) && owner.kill('SIGKILL')) resolve();
        });
      });
      const ids = new Map(keys.map((key) => [key, [] as string[]]));
      for (const n of upTo(stepsPerKey)) for (const [key, own] of ids) own.push((await mill.ingest('steps', { key, n })).id);
      await killed;
      for (const [key, own] of ids) own.push((await mill.ingest('steps', { key, n: stepsPerKey + 1 })).id);
      const reader = await started(url, context);
      for (const one of [mill, reader]) {
        assert.equal(await one.settled('steps', settleMs), true);
        // A key that waits for its retry counts as settled.
        await until(async () => (await one.listKeys('steps')).every(({ pending }) => pending === 0));
        for (const [key, own] of ids) {
          const items = await timelineOf(one, key);
          const told = items.toReversed().map(({ kind, event, attempt }) => [kind, event, attempt]);
          const expected = own.map((id, at) => ['handled', id, at + 1 === failing ? 2 : 1]);
          assert.deepEqual(told, [...expected.slice(0, 2), ['failed', own[failing - 1], 1], ...expected.slice(2)]);
        }
      }
    });
  });
}

/** Returns all items of a key, newest first, read page by page. */
async function timelineOf(mill: Mill, key: string): Promise<readonly TimelineItem[]> {
  const items: TimelineItem[] = [];
  let place: TimelinePlace | undefined;
  do {
    const page = await mill.timeline('steps', key, { limit: 7, place });
    items.push(...page.items);
    place = page.next;
  } while (place !== undefined);
  return items;
}
