import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * The ways to cut a link. `lost`: anything sent during the cut never arrives, and a connection that lost something stays dead. `late`: it
 * arrives when the link is restored, as by retransmissions, even if its sender has given up meanwhile.
 */
export type Cut = 'lost' | 'late';

/** The two ends of a connection, and the data in transit. */
interface Direction {
  readonly from: Socket;
  readonly to: Socket;
  late: Buffer[];
  hasEnded: boolean;
}

/** Sits between a process and the database. A cut closes no connection. */
export class Link {
  readonly #server: Server;
  readonly #directions = new Set<Direction>();
  readonly #dead = new Set<Socket>();
  readonly #sockets = new Set<Socket>();
  #cut: Cut | undefined;

  private constructor(port: number) {
    this.#server = createServer((client) => this.#join(client, connect(port, '127.0.0.1')));
  }

  static async to(port: number): Promise<Link> {
    const link = new Link(port);
    await once(link.#server.listen(0, '127.0.0.1'), 'listening');
    return link;
  }

  get port(): number {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('expected a port');
    return address.port;
  }

  cut(how: Cut): void {
    this.#cut = how;
  }

  goOn(): void {
    this.#cut = undefined;
    for (const direction of this.#directions) {
      for (const bytes of direction.late) direction.to.write(bytes);
      direction.late = [];
      if (direction.hasEnded) direction.to.destroySoon();
    }
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #join(client: Socket, database: Socket): void {
    const pair = new Set([client, database]);
    for (const [from, to] of [
      [client, database],
      [database, client],
    ] as const) {
      const direction: Direction = { from, to, late: [], hasEnded: false };
      this.#directions.add(direction);
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on('data', (bytes: Buffer) => this.#pass(direction, bytes, pair));
      // The following end event reports it.
      from.on('error', () => undefined);
      from.on('close', () => this.#closed(direction, database, pair));
    }
  }

  /** While the link is cut, the database does not learn that a process has closed a connection. */
  #closed(direction: Direction, database: Socket, pair: ReadonlySet<Socket>): void {
    const { from, to } = direction;
    this.#sockets.delete(from);
    direction.hasEnded = true;
    if (this.#cut === undefined || from === database) to.destroySoon();
    if (to.destroyed) for (const one of this.#directions) if (pair.has(one.from)) this.#directions.delete(one);
  }

  #pass(direction: Direction, bytes: Buffer, pair: ReadonlySet<Socket>): void {
    if (this.#dead.has(direction.from)) return;
    if (this.#cut === 'lost') for (const socket of pair) this.#dead.add(socket);
    else if (this.#cut === 'late') direction.late.push(bytes);
    else direction.to.write(bytes);
  }
}
