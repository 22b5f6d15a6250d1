import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PostgresServer, withoutPostgres } from '../../../../test/postgres-server.ts';
import { commitOf, declaration, put } from '../../contract/fixtures.ts';
import { postgres } from '../postgres-store.ts';

const visits = { pipeline: 'visits', slice: 0 };

/** An incompressible text of `bytes` bytes. */
function incompressible(bytes: number): string {
  const characters = Math.floor(bytes / 3);
  return Array.from({ length: characters }, (_, at) => String.fromCharCode(0x4e00 + ((at * 7_919) % 20_000)))
    .join('')
    .padEnd(characters + (bytes % 3), 'x');
}

describe('rows of declared tables', { skip: withoutPostgres }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.stop());

  test('a row too long for an index is refused with the probable column', async () => {
    const store = postgres(await server.createDatabase(), { partitions: 1 });
    await store.open(declaration);
    const lease = await store.claim(visits);
    const write = (table: string, ...row: (string | number | null)[]) => lease.commit(commitOf({ rows: [put(table, row)] }));
    await write('accounts', incompressible(2_600), 1, null, null, null);
    await write('pairs', incompressible(1_300), incompressible(1_200));
    const refused = { code: 'MILL_COMMIT_REFUSED' };
    const message = /^table accounts: column id: expected a text that an index takes, of at most about 2,700 bytes, found one of 3000: /;
    await assert.rejects(write('accounts', incompressible(3_000), 1, null, null, null), { ...refused, message });
    await assert.rejects(write('pairs', 'a', incompressible(3_000)), {
      ...refused,
      message: /^table pairs: column group: .* found one of 3000: /,
    });
    await store.close();
  });
});
