import type { Server } from 'node:http';

/** A server's connection slots. Further connections are closed at once, so whoever takes all of them locks everyone else out. */
export class Places {
  readonly #server: Server;
  #taken = 0;

  constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.#taken += 1;
      socket.on('close', () => (this.#taken -= 1));
    });
  }

  /** True if more than half are taken: then a connection is worth keeping only for a permitted client. */
  get areShort(): boolean {
    return this.#taken > this.#server.maxConnections / 2;
  }
}
