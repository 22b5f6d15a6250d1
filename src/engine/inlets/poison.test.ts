import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import * as z from 'zod';
import { MariadbServer, withoutMariadb } from '../../../test/mariadb-server.ts';
import { PostgresServer, withoutPostgres } from '../../../test/postgres-server.ts';
import { until } from '../../../test/until.ts';
import { MemoryTopic } from '../../inlets/memory-inlet.fixture.test.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { lettersOf } from '../../store/letters-of.ts';
import { memory } from '../../store/memory/memory-store.ts';
import { mysql } from '../../store/mysql/mysql-store.ts';
import { postgres } from '../../store/postgres/postgres-store.ts';
import { sqlite } from '../../store/sqlite/sqlite-store.ts';
import type { Store } from '../../store/store.ts';
import { started } from './inlets.fixture.test.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-poison-'));
after(() => rmSync(folder, { recursive: true }));

type Value = string | Uint8Array | null;

/** Values that no event can be made of. A reason may quote their beginning, so that has what databases cannot hold. */
const poison: readonly Value[] = [
  null,
  '\0 no JSON',
  Buffer.from([0]),
  Buffer.alloc(3_000_000, 0xff),
  'x'.repeat(5_000_000),
  `"${'\u0001'.repeat(900_000)}`,
  '😀'.repeat(20),
  `{"a":"${'😀'.repeat(9)}`,
  '{"key":"a\\u0000b"}',
  '{"key":"\\ud800"}',
  '{"key":""}',
  JSON.stringify({ key: 'k'.repeat(3_000) }),
  JSON.stringify({ key: 'a', id: '\0' }),
  JSON.stringify({ key: 'a', id: 'i'.repeat(3_000) }),
  '{"key":"a","x":1e400}',
  `{"key":"a","x":${'['.repeat(5_000)}${']'.repeat(5_000)}}`,
];

/** Values that are events, although databases or packets may have trouble with them. */
const unusual: readonly Value[] = [
  '\ufeff{"key":"byte order mark"}',
  '{"key":"a ","x":"\\udc00"}',
  '{"key":"a"}',
  '{"key":"A"}',
  '{"key":"__proto__","__proto__":{"a":1}}',
  `{"key":"escapes","x":"${'\\u0001'.repeat(100_000)}"}`,
  `{"key":"quotes","x":"${"'\\\\".repeat(100_000)}"}`,
];

const stores: Readonly<Record<string, { readonly skip: string | false; open(context: TestContext): Promise<Store> }>> = {
  memory: { skip: false, open: async () => memory() },
  SQLite: { skip: false, open: async () => sqlite(join(folder, 'poison.db')) },
  PostgreSQL: {
    skip: withoutPostgres,
    async open(context) {
      const server = await PostgresServer.start();
      context.after(() => server.stop());
      return postgres(await server.createDatabase());
    },
  },
  MariaDB: {
    skip: withoutMariadb,
    async open(context) {
      const server = await MariadbServer.start();
      context.after(() => server.stop());
      return mysql(await server.createDatabase());
    },
  },
};

for (const [name, { skip, open }] of Object.entries(stores))
  test(`each poison record becomes one dead letter on ${name}, and all others take effect`, { skip }, async (context) => {
    const store = await open(context);
    const topic = new MemoryTopic(1);
    const headers = { 'h\0': 'v', '\ud800': 'w', é: '\0' };
    const values = [...poison, ...unusual];
    for (const value of values) await topic.produce(0, [{ key: '\0', value, headers }, { value: '{"key":"good"}' }]);
    const steps = pipeline('steps', {
      event: z.looseObject({ key: z.string(), id: z.string().optional() }),
      key: ({ key }) => key,
      id: ({ id }) => id,
      state: z.object({ count: z.int() }),
      from: topic.inlet({ key: 'recordKey', headers: 'headers' }),
      handle: (_event, state) => ({ count: (state?.count ?? 0) + 1 }),
    });
    const { mill } = await started(context, { store, pipelines: [steps] });
    await until(() => mill.counts().steps?.processed === values.length + unusual.length);
    assert.deepEqual(await mill.state('steps', 'good'), { count: values.length });
    for (const key of ['byte order mark', 'a ', 'a', 'A', '__proto__', 'escapes', 'quotes'])
      assert.deepEqual(await mill.state('steps', key), { count: 1 }, key);
    const letters = lettersOf('rejected', await mill.deadLetters());
    assert.deepEqual(
      letters.map(({ record }) => JSON.parse(record).offset).toSorted((a, b) => a - b),
      poison.map((_, at) => 2 * at),
    );
    assert.deepEqual(mill.source('steps')?.warnings, []);
  });
