import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { PostgresServer, withoutPostgres } from '../../../test/postgres-server.ts';
import { until } from '../../../test/until.ts';
import { commitOf, declaration, event } from '../contract/fixtures.ts';
import { openSource, openTarget } from '../sql/copy/open-ends.ts';
import type { Store } from '../store.ts';
import { postgresServers } from './copy/postgres-servers.ts';
import { postgres } from './postgres-store.ts';

const visits = { pipeline: 'visits', slice: 0 };
/** Longer than any test: waiting for one of these means hanging. */
const patience = { connectTimeoutMs: 600_000, statementTimeoutMs: 600_000 };

describe('a database that goes silent without closing connections', { skip: withoutPostgres, timeout: 60_000 }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.stop());

  test('an abandoned opening ends at once, at any stage', async () => {
    const schema = await server.createSchema();
    let isOpen = false;
    for (let passed = 0; !isOpen; passed += 1 + (passed >> 2)) {
      const link = await SilentLink.to(server.port, passed);
      const store = postgres(link.lead(server), { schema, partitions: 1, ...patience });
      const given = new AbortController();
      const opening = store.open(declaration, undefined, given.signal).then(() => 'open');
      isOpen = (await Promise.race([opening, link.silent])) === 'open';
      given.abort(new Error(`given up after ${passed}`));
      if (!isOpen) await assert.rejects(opening, { message: `given up after ${passed}` });
      await store.close();
      await link.close();
      assert.ok(passed > 5 || !isOpen, 'expected an opening to send several times');
    }
  });

  test('a store whose opening was abandoned can be opened', async () => {
    const deaf = createServer().listen(0, '127.0.0.1');
    await once(deaf, 'listening');
    const store = await openedLater(deaf);
    deaf.close();
    await store.append([event(visits, 'a')]);
    await store.close();
  });

  /** Returns a store whose first opening met silence, and whose second one reaches the server. */
  async function openedLater(deaf: Server): Promise<Store> {
    const link = await SilentLink.to(portOf(deaf), Number.POSITIVE_INFINITY);
    const store = postgres(link.lead(server), { schema: await server.createSchema(), partitions: 1, ...patience });
    const given = new AbortController();
    const opening = store.open(declaration, undefined, given.signal);
    await once(deaf, 'connection');
    given.abort(new Error('not now'));
    await assert.rejects(opening, { message: 'not now' });
    link.leadTo(server.port);
    await assert.rejects(store.open(declaration, undefined, given.signal), { message: 'not now' });
    await store.open(declaration);
    after(() => link.close());
    return store;
  }

  test('a signal aborted later does not affect an open store', async () => {
    const given = new AbortController();
    const store = postgres(server.url('postgres'), { schema: await server.createSchema(), partitions: 1 });
    await store.open(declaration, undefined, given.signal);
    given.abort();
    await store.append([event(visits, 'a')]);
    await store.close();
  });

  test('a server that falls silent after starting encryption is given up too', async () => {
    const half = createServer((socket) => {
      socket.once('data', () => socket.write('S'));
      socket.on('data', () => half.emit('hello'));
      socket.on('error', () => undefined);
    }).listen(0, '127.0.0.1');
    await once(half, 'listening');
    const store = postgres(`postgres://millrace@127.0.0.1:${portOf(half)}/postgres?sslmode=require`, patience);
    const given = new AbortController();
    const opening = store.open(declaration, undefined, given.signal);
    await Promise.race([once(half, 'hello'), opening]);
    given.abort(new Error('no longer'));
    await assert.rejects(opening, { message: 'no longer' });
    half.close();
  });

  test('either end of a copy can be abandoned in the middle, and closed', async () => {
    const { target, source } = { target: await server.createDatabase(), source: await server.createDatabase() };
    const store = postgres(source);
    await store.open(declaration);
    await store.close();
    const link = await SilentLink.to(server.port, Number.POSITIVE_INFINITY);
    const given = new AbortController();
    const at = (url: string) => ({ url: link.lead(server, url), options: patience, signal: given.signal });
    const ends = [await openSource(postgresServers, at(source)), await openTarget(postgresServers, at(target), declaration)];
    link.beSilent();
    const calls = ends.map((end) => assert.rejects(end.pipelines(), { code: 'MILL_STORE_UNAVAILABLE' }));
    await link.silent;
    given.abort();
    await Promise.all(calls);
    for (const end of ends) await end.close();
    await link.close();
  });

  test('a store can still be closed, within a lease period and without remaining connections', async () => {
    const others = openSockets();
    const link = await SilentLink.to(server.port, Number.POSITIVE_INFINITY);
    const store = postgres(link.lead(server), { schema: await server.createSchema(), partitions: 1, leaseMs: 2_000, ...patience });
    await store.open(declaration);
    const lease = await store.claim(visits);
    await store.append([event(visits, 'a')]);
    await lease.commit(commitOf({ cursor: 1 }));
    store.listen({ appended: () => undefined, rollChanged: () => undefined });
    link.beSilent();
    await store.close();
    // The link's sockets belong to this process, too.
    await until(() => openSockets() <= others + link.sockets);
    await link.close();
  });
});

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap').length;
}

function portOf(server: Server): number {
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}

/** A link between a store and its database. From some point on nothing passes, and no connection ends. */
class SilentLink {
  /** Resolves when something has been sent and did not pass. */
  readonly silent: Promise<void>;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #port: number;
  #passes: number;
  #isSilent: () => void;

  private constructor(port: number, passes: number) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.silent = promise;
    this.#isSilent = resolve;
    this.#port = port;
    this.#passes = passes;
    // The end of a connection counts only once it is answered.
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#join(client, connect(this.#port, '127.0.0.1')));
  }

  /** @param passes how many of a client's messages pass */
  static async to(port: number, passes: number): Promise<SilentLink> {
    const link = new SilentLink(port, passes);
    await once(link.#server.listen(0, '127.0.0.1'), 'listening');
    return link;
  }

  /** Returns the address of a database through this link. */
  lead(server: PostgresServer, url = server.url('postgres')): string {
    return url.replace(String(server.port), String(portOf(this.#server)));
  }

  beSilent(): void {
    this.#passes = 0;
  }

  leadTo(port: number): void {
    this.#port = port;
  }

  /** Returns the number of open connections, to clients and to the database. */
  get sockets(): number {
    return this.#sockets.size;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket, database: Socket): void {
    for (const socket of [client, database]) socket.on('error', () => undefined);
    this.#sockets.add(client).add(database);
    client.on('data', (bytes) => {
      this.#passes -= 1;
      if (this.#passes >= 0) database.write(bytes);
      else this.#isSilent();
    });
    database.on('data', (bytes) => {
      if (this.#passes >= 0) client.write(bytes);
    });
    client.on('close', () => {
      database.destroy();
      this.#sockets.delete(client);
      this.#sockets.delete(database);
    });
  }
}
