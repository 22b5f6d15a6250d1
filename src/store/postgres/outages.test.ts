import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { PostgresServer, withoutPostgres } from '../../../test/postgres-server.ts';
import { chosen, commitOf, declaration, event, numbered, statuses } from '../contract/fixtures.ts';
import type { Store } from '../store.ts';
import type { PostgresOptions } from './postgres-options.ts';
import { postgres } from './postgres-store.ts';

const visits = { pipeline: 'visits', slice: 0 };
const rockets = { pipeline: 'rockets', slice: 0 };
/** Longer than any answer takes, even on a busy machine, and short enough for a test to wait. In milliseconds. */
const slowMs = 1_000;

describe('a database outage', { skip: withoutPostgres }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start({ isDurable: true });
  });
  after(() => server.stop());

  async function opened(url: string, options: PostgresOptions = {}): Promise<Store> {
    const store = postgres(url, { partitions: 1, schema: await server.createSchema(), ...options });
    await store.open(declaration);
    return store;
  }

  test('calls are refused at once during it, and work again by themselves afterwards; acknowledged events are still there', async () => {
    const store = await opened(server.url('postgres'));
    const lease = await store.claim(visits);
    await store.append([event(visits, 'before')]);
    await server.kill();
    const calls = [
      () => store.append([event(visits, 'meanwhile')]),
      () => store.read(visits, 0, 10),
      () => store.claim(visits),
      () => lease.commit(commitOf({ cursor: 1 })),
      () => store.beat(),
      () => store.deadLetters({ limit: 1 }),
      () => store.query('SELECT 1', []),
      () => store.prune({ partition: visits, acceptedBefore: 0, idsBefore: 0, after: 0, limit: 1 }),
      () => store.setPaused('visits', true),
    ];
    // The first call may meet connections that have just ended, and then spends its time finding out its own result.
    await Promise.allSettled(calls.slice(1).map((call) => call()));
    const from = performance.now();
    for (const call of calls.slice(1)) await assert.rejects(call(), { code: 'MILL_STORE_UNAVAILABLE' });
    assert.ok(performance.now() - from < 5_000);
    await server.run();
    await store.beat();
    await lease.commit(commitOf({ cursor: 1 }));
    await store.append([event(visits, 'after')]);
    assert.deepEqual(
      (await store.read(visits, 0, 10)).map(({ key }) => key),
      ['before', 'after'],
    );
    await store.close();
  });

  test('an append that meets ending connections is still answered, and takes effect once', async () => {
    const store = await opened(server.url('postgres'));
    let isOver = false;
    const terminator = (async () => {
      while (!isOver) {
        await server.query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'millrace' AND random() < 0.5 AND pid <> pg_backend_pid()",
        );
      }
    })();
    const keys = Array.from({ length: 60 }, (_, at) => `key ${at}`);
    const answers: number[] = [];
    for (const [at, key] of keys.entries()) {
      const judged = await store.append([event(visits, key), chosen(visits, key, `id ${at >> 1}`), numbered(rockets, 'a', at + 1)]);
      assert.deepEqual(statuses(judged), ['accepted', at % 2 === 0 ? 'accepted' : 'duplicate', 'accepted']);
      for (const answer of judged.slice(0, 2)) if (answer.status === 'accepted') answers.push(answer.position);
    }
    isOver = true;
    await terminator;
    const log = await store.read(visits, 0, 1_000);
    assert.deepEqual(
      log.map(({ position }) => position),
      Array.from({ length: 90 }, (_, at) => at + 1),
    );
    assert.deepEqual(
      answers,
      log.map(({ position }) => position),
    );
    assert.equal((await store.read(rockets, 0, 1_000)).length, 60);
    await store.close();
  });

  test('an append whose answer is lost after its commit is found in the log', async () => {
    const link = await UnreliableLink.to(server.port);
    const store = await opened(link.url(server));
    await store.append([event(visits, 'first')]);
    for (const key of ['a', 'b']) {
      link.loseAnswers();
      const answers = await store.append([event(visits, key), chosen(visits, key, 'one'), event(visits, key)]);
      assert.deepEqual(statuses(answers), ['accepted', key === 'a' ? 'accepted' : 'duplicate', 'accepted']);
    }
    assert.equal(link.lost, 2);
    assert.deepEqual(
      (await store.read(visits, 0, 10)).map(({ key }) => key),
      ['first', 'a', 'a', 'a', 'b', 'b'],
    );
    await store.close();
    await link.close();
  });

  test('a release that did not reach the database is repeated by the next call; until then the lease commits nothing more', async () => {
    const schema = await server.createSchema();
    const [owner, other] = await Promise.all([opened(server.url('postgres'), { schema }), opened(server.url('postgres'), { schema })]);
    const lease = await owner.claim(visits);
    await server.kill();
    await assert.rejects(lease.release(), { code: 'MILL_STORE_UNAVAILABLE' });
    await server.run();
    await owner.beat();
    await assert.rejects(other.claim(visits), { code: 'MILL_STORE_LEASED' });
    await assert.rejects(lease.commit(commitOf({ cursor: 1 })), { code: 'MILL_STORE_FENCED' });
    await lease.release();
    await other.claim(visits);
    await Promise.all([owner.close(), other.close()]);
  });

  test('a commit whose answer is lost is unavailable: its result is unknown', async () => {
    const link = await UnreliableLink.to(server.port);
    const store = await opened(link.url(server));
    const lease = await store.claim(visits);
    await store.append([event(visits, 'a')]);
    link.loseAnswers();
    await assert.rejects(lease.commit(commitOf({ cursor: 1 })), { code: 'MILL_STORE_UNAVAILABLE' });
    assert.equal((await store.claim(visits)).standing.cursor, 1);
    await store.close();
    await link.close();
  });

  test('batches of records whose answer is lost are unavailable, the offsets show which were taken, and none is taken twice', async () => {
    const link = await UnreliableLink.to(server.port);
    const store = await opened(link.url(server));
    const lease = await store.claim(visits);
    const bringing = (partition: number, expected: number | null, keys: readonly string[]) => {
      const place = { pipeline: 'visits', source: 'kafka:orders', topicId: 'one', partition };
      return lease.takeBatch({
        ...place,
        expected,
        next: (expected ?? 0) + 1,
        takings: keys.map((key) => ({ event: event(visits, key) })),
      });
    };
    const nextOf = async () => (await store.sourceOffsets('visits', 'kafka:orders')).map(({ next }) => next);
    for (const partition of [0, 1]) await bringing(partition, null, []);
    for (const round of [1, 2]) {
      link.loseAnswers();
      const both = () => [0, 1].map((partition) => bringing(partition, round, [`${partition} ${round}`]));
      for (const call of both()) await assert.rejects(call, { code: 'MILL_STORE_UNAVAILABLE' });
      assert.deepEqual(await nextOf(), [round + 1, round + 1]);
      for (const answer of await Promise.all(both())) assert.equal(answer.status, 'moved');
    }
    assert.equal(link.lost, 2);
    assert.deepEqual(
      (await store.read(visits, 0, 10)).map(({ key }) => key),
      ['0 1', '1 1', '0 2', '1 2'],
    );
    await store.close();
    await link.close();
  });

  test('a half-open connection is given up when its time is over', async () => {
    const link = await UnreliableLink.to(server.port);
    const store = await opened(link.url(server), { statementTimeoutMs: slowMs });
    await store.append([event(visits, 'a')]);
    link.swallow();
    await assert.rejects(store.read(visits, 0, 1), { code: 'MILL_STORE_UNAVAILABLE' });
    link.goOn();
    await store.append([event(visits, 'b')]);
    assert.equal((await store.read(visits, 0, 10)).length, 2);
    await store.close();
    await link.close();
  });

  test('an append on a half-open connection is refused within five seconds, and so are those behind it', async () => {
    const link = await UnreliableLink.to(server.port);
    const store = await opened(link.url(server));
    await store.append([event(visits, 'before')]);
    link.swallow();
    const from = performance.now();
    await Promise.all(
      ['a', 'b', 'c'].map(async (key) => {
        await Promise.resolve();
        await assert.rejects(store.append([event(visits, key)]), { code: 'MILL_STORE_UNAVAILABLE' });
      }),
    );
    assert.ok(performance.now() - from < 5_000);
    link.goOn();
    await link.close();
    await store.close();
  });

  test('an unanswered beat is given up when its leases have expired', async () => {
    const link = await UnreliableLink.to(server.port);
    const store = await opened(link.url(server), { leaseMs: slowMs });
    await store.beat();
    link.swallow();
    const from = performance.now();
    await assert.rejects(store.beat(), { code: 'MILL_STORE_UNAVAILABLE' });
    assert.ok(performance.now() - from < 3_000);
    link.goOn();
    await store.beat();
    await store.close();
    await link.close();
  });

  test('if a beat is unanswered, everything else waiting on its connection is given up too, and so is the next beat', async () => {
    const link = await UnreliableLink.to(server.port);
    const store = await opened(link.url(server), { leaseMs: slowMs, connectTimeoutMs: slowMs });
    const lease = await store.claim(visits);
    await store.append([event(visits, 'a')]);
    link.swallow();
    const from = performance.now();
    const waiting = [() => store.read(visits, 0, 1), () => lease.commit(commitOf({ cursor: 1 })), () => store.beat(), () => store.beat()];
    await Promise.all(waiting.map((call) => assert.rejects(call(), { code: 'MILL_STORE_UNAVAILABLE' })));
    assert.ok(performance.now() - from < 3_000);
    link.goOn();
    assert.equal((await store.read(visits, 0, 1)).length, 1);
    await store.close();
    await link.close();
  });

  test('nobody waits long for the locks of a process cut off in the middle of a flight', async () => {
    const link = await UnreliableLink.to(server.port);
    const schema = await server.createSchema();
    const cutOff = postgres(link.url(server), { partitions: 1, schema });
    const other = postgres(server.url('postgres'), { partitions: 1, schema });
    await cutOff.open(declaration);
    await other.open(declaration);
    await cutOff.append([event(visits, 'first')]);
    const isWithheld = link.withholdCommit();
    const lost = cutOff.append([event(visits, 'cut off')]);
    const refused = assert.rejects(lost, { code: 'MILL_STORE_UNAVAILABLE' });
    await isWithheld;
    assert.deepEqual(statuses(await other.append([event(visits, 'of another')])), ['accepted']);
    await refused;
    assert.deepEqual(
      (await other.read(visits, 0, 10)).map(({ key }) => key),
      ['first', 'of another'],
    );
    await link.close();
    await cutOff.close();
    await other.close();
  });

  test('a call that gets no free connection is refused when its time is over', async () => {
    const schema = await server.createSchema();
    const store = postgres(server.url('postgres'), { partitions: 1, schema, maxConnections: 5, connectTimeoutMs: slowMs });
    await store.open(declaration);
    const locked = await holding(`LOCK TABLE ${schema}.millrace_log_visits`);
    const reads = Array.from({ length: 5 }, () => store.read(visits, 0, 10));
    await assert.rejects(store.append([event(visits, 'a')]), { code: 'MILL_STORE_UNAVAILABLE' });
    await locked.release();
    await Promise.all(reads);
    assert.deepEqual(statuses(await store.append([event(visits, 'a')])), ['accepted']);
    await store.close();
  });

  test('a call that waits for a lock of a session idle in a transaction is refused as busy when its time is over', async () => {
    const schema = await server.createSchema();
    const store = postgres(server.url('postgres'), { partitions: 1, schema, lockTimeoutMs: 50 });
    await store.open(declaration);
    const locked = await holding(`SELECT FROM ${schema}.millrace_heads FOR UPDATE`);
    await assert.rejects(store.append([event(visits, 'a')]), { code: 'MILL_STORE_BUSY' });
    await locked.release();
    assert.deepEqual(statuses(await store.append([event(visits, 'a')])), ['accepted']);
    await store.close();
  });

  /** Opens somebody else's transaction, which has run a statement and sits idle. */
  async function holding(sql: string): Promise<{ release(): Promise<void> }> {
    const client = new pg.Client({ connectionString: server.url('postgres') });
    await client.connect();
    await client.query('BEGIN');
    await client.query(sql);
    return { release: () => client.end() };
  }
});

/** A link between a store and its database that loses whatever the test says. */
class UnreliableLink {
  lost = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #mode: 'pass' | 'lose answers' | 'swallow' | 'withhold commit' = 'pass';
  #withheld: () => void = () => undefined;

  private constructor(port: number) {
    this.#server = createServer((client) => this.#join(client, connect(port, '127.0.0.1')));
  }

  static async to(port: number): Promise<UnreliableLink> {
    const link = new UnreliableLink(port);
    await once(link.#server.listen(0, '127.0.0.1'), 'listening');
    return link;
  }

  url(server: PostgresServer): string {
    const address = this.#server.address();
    assert.ok(typeof address === 'object' && address !== null);
    return server.url('postgres').replace(String(server.port), String(address.port));
  }

  /** Loses the next answer, and ends its connection. */
  loseAnswers(): void {
    this.#mode = 'lose answers';
  }

  /** Lets nothing pass, and ends no connection. */
  swallow(): void {
    this.#mode = 'swallow';
  }

  /** Withholds the COMMIT of the next flight, and everything behind it. Resolves when that has happened. */
  withholdCommit(): Promise<void> {
    this.#mode = 'withhold commit';
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#withheld = resolve;
    return promise;
  }

  goOn(): void {
    this.#mode = 'pass';
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket, database: Socket): void {
    for (const [socket, other] of [
      [client, database],
      [database, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => other.destroy());
    }
    client.on('data', (bytes: Buffer) => {
      const commitAt = bytes.indexOf('COMMIT\0');
      if (this.#mode === 'withhold commit' && commitAt !== -1) {
        this.#mode = 'swallow';
        // A message's kind and length precede its text.
        database.write(bytes.subarray(0, commitAt - 5), () => this.#withheld());
      } else if (this.#mode !== 'swallow') database.write(bytes);
    });
    database.on('data', (bytes) => {
      if (this.#mode === 'pass') client.write(bytes);
      // The database answers a flight once it has executed all of it.
      else if (this.#mode === 'lose answers' && bytes.includes('COMMIT\0')) {
        this.lost += 1;
        this.#mode = 'pass';
        client.destroy();
      }
    });
  }
}
