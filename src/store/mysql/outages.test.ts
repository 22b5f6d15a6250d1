import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createConnection } from 'mysql2/promise';
import { MariadbServer, withoutMariadb } from '../../../test/mariadb-server.ts';
import { chosen, commitOf, declaration, event, numbered, statuses } from '../contract/fixtures.ts';
import type { Store } from '../store.ts';
import type { MysqlOptions } from './mysql-options.ts';
import { mysql } from './mysql-store.ts';

const visits = { pipeline: 'visits', slice: 0 };
const rockets = { pipeline: 'rockets', slice: 0 };
/** Longer than any answer takes, even on a busy machine, and short enough for a test to wait. In milliseconds. */
const slowMs = 2_000;

describe('an outage of the MariaDB database', { skip: withoutMariadb }, () => {
  let server: MariadbServer;
  before(async () => {
    server = await MariadbServer.start({ isDurable: true });
  });
  after(() => server.stop());

  async function opened(url: string, options: MysqlOptions = {}): Promise<Store> {
    const store = mysql(url, { partitions: 1, ...options });
    await store.open(declaration);
    return store;
  }

  test('calls are refused at once during it, and work again by themselves afterwards; acknowledged events are still there', async () => {
    const store = await opened(await server.createDatabase());
    const lease = await store.claim(visits);
    await store.append([event(visits, 'before')]);
    await server.kill();
    const calls = [
      () => store.read(visits, 0, 10),
      () => store.claim(visits),
      () => lease.commit(commitOf({ cursor: 1 })),
      () => store.beat(),
      () => store.deadLetters({ limit: 1 }),
      () => store.query('SELECT 1', []),
      () => store.prune({ partition: visits, acceptedBefore: 0, idsBefore: 0, after: 0, limit: 1 }),
      () => store.setPaused('visits', true),
    ];
    await Promise.allSettled(calls.map((call) => call()));
    const from = performance.now();
    for (const call of calls) await assert.rejects(call(), { code: 'MILL_STORE_UNAVAILABLE' });
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
    const store = await opened(await server.createDatabase());
    let isOver = false;
    const terminator = (async () => {
      while (!isOver) {
        const threads = await server.query("SELECT id FROM information_schema.processlist WHERE user = 'millrace' AND RAND() < 0.5");
        for (const { id } of threads) await server.query(`KILL CONNECTION ${id}`).catch(() => undefined);
      }
    })();
    const answers: number[] = [];
    for (let at = 0; at < 60; at += 1) {
      const key = `key ${at}`;
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
    const store = await opened(link.url(await server.createDatabase()));
    await store.append([event(visits, 'first')]);
    for (const key of ['a', 'b']) {
      link.loseAnswerTo('INSERT INTO "millrace_log_visits"');
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

  test('a commit whose answer is lost is unavailable: its result is unknown', async () => {
    const link = await UnreliableLink.to(server.port);
    const store = await opened(link.url(await server.createDatabase()));
    const lease = await store.claim(visits);
    await store.append([event(visits, 'a')]);
    link.loseAnswerTo('INSERT INTO millrace_cursors');
    await assert.rejects(lease.commit(commitOf({ cursor: 1 })), { code: 'MILL_STORE_UNAVAILABLE' });
    assert.equal((await store.claim(visits)).standing.cursor, 1);
    await store.close();
    await link.close();
  });

  test('a release that did not reach the database is repeated by the next call; until then the lease commits nothing more', async () => {
    const url = await server.createDatabase();
    const [owner, other] = [await opened(url), await opened(url)];
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

  test('batches of records whose answer is lost are unavailable, the offsets show which were taken, and none is taken twice', async () => {
    const link = await UnreliableLink.to(server.port);
    const store = await opened(link.url(await server.createDatabase()));
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
      link.loseAnswerTo('INSERT INTO "millrace_log_visits"');
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

  test('a half-open connection is given up when its time is over, and an append on one within five seconds', async () => {
    const link = await UnreliableLink.to(server.port);
    const store = await opened(link.url(await server.createDatabase()), { statementTimeoutMs: slowMs });
    await store.append([event(visits, 'a')]);
    link.swallow();
    const from = performance.now();
    const appended = assert.rejects(store.append([event(visits, 'lost')]), { code: 'MILL_STORE_UNAVAILABLE' });
    await assert.rejects(store.read(visits, 0, 1), { code: 'MILL_STORE_UNAVAILABLE' });
    await appended;
    assert.ok(performance.now() - from < slowMs + 5_000);
    link.goOn();
    await store.beat();
    assert.equal((await store.read(visits, 0, 10))[0]?.key, 'a');
    await store.close();
    await link.close();
  });

  test('if a beat is unanswered, everything else waiting on its connection is given up too, and so is the next beat', async () => {
    const link = await UnreliableLink.to(server.port);
    const store = await opened(link.url(await server.createDatabase()), { leaseMs: slowMs, connectTimeoutMs: slowMs });
    const lease = await store.claim(visits);
    await store.append([event(visits, 'a')]);
    link.swallow();
    const from = performance.now();
    const waiting = [() => store.read(visits, 0, 1), () => lease.commit(commitOf({ cursor: 1 })), () => store.beat(), () => store.beat()];
    await Promise.all(waiting.map((call) => assert.rejects(call(), { code: 'MILL_STORE_UNAVAILABLE' })));
    assert.ok(performance.now() - from < 3 * slowMs);
    link.goOn();
    assert.equal((await store.read(visits, 0, 1)).length, 1);
    await store.close();
    await link.close();
  });

  test('nobody waits long for the locks of a process cut off between the two pieces of a flight', async () => {
    const link = await UnreliableLink.to(server.port);
    const url = await server.createDatabase();
    const cutOff = await opened(link.url(url));
    const other = await opened(url);
    await cutOff.append([event(visits, 'first')]);
    const isWithheld = link.withhold('INSERT INTO "millrace_log_visits"');
    const refused = assert.rejects(cutOff.append([event(visits, 'cut off')]), { code: 'MILL_STORE_UNAVAILABLE' });
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

  test('a call that waits for a lock of a session idle in a transaction is refused as busy when its time is over', async () => {
    const url = await server.createDatabase();
    const store = await opened(url, { lockTimeoutMs: 1_000, statementTimeoutMs: slowMs });
    const client = await createConnection(url);
    await client.query('BEGIN');
    await client.query('SELECT * FROM millrace_heads FOR UPDATE');
    await assert.rejects(store.append([event(visits, 'a')]), { code: 'MILL_STORE_BUSY' });
    await client.end();
    assert.deepEqual(statuses(await store.append([event(visits, 'a')])), ['accepted']);
    await store.close();
  });
});

/** A link between a store and its database that loses whatever the test says. */
class UnreliableLink {
  lost = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #mode: 'pass' | 'swallow' = 'pass';
  /** The text whose answer is lost, or that is withheld. */
  #wanted: { readonly text: string; readonly isWithheld: boolean; done(): void } | undefined;

  private constructor(port: number) {
    this.#server = createServer((client) => this.#join(client, connect(port, '127.0.0.1')));
  }

  static async to(port: number): Promise<UnreliableLink> {
    const link = new UnreliableLink(port);
    await once(link.#server.listen(0, '127.0.0.1'), 'listening');
    return link;
  }

  url(direct: string): string {
    const address = this.#server.address();
    assert.ok(typeof address === 'object' && address !== null);
    const url = new URL(direct);
    url.port = String(address.port);
    return url.href;
  }

  /** Loses the answer to the next statements with this text, and ends their connection. */
  loseAnswerTo(text: string): void {
    this.#wanted = { text, isWithheld: false, done: () => undefined };
  }

  /** Withholds the next statements with this text, and everything behind them. Resolves when that has happened. */
  withhold(text: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wanted = { text, isWithheld: true, done: resolve };
    return promise;
  }

  /** Lets nothing pass, and ends no connection. */
  swallow(): void {
    this.#mode = 'swallow';
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
    let isLosing = false;
    for (const [socket, other] of [
      [client, database],
      [database, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => other.destroy());
    }
    client.on('data', (bytes: Buffer) => {
      const wanted = this.#wanted;
      if (wanted !== undefined && bytes.includes(wanted.text)) {
        this.#wanted = undefined;
        if (wanted.isWithheld) this.#mode = 'swallow';
        else isLosing = true;
        wanted.done();
      }
      if (this.#mode !== 'swallow') database.write(bytes);
    });
    database.on('data', (bytes) => {
      if (isLosing) {
        this.lost += 1;
        client.destroy();
      } else if (this.#mode === 'pass') client.write(bytes);
    });
  }
}
