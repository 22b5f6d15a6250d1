import type { Server } from 'node:http';

/** The places that a server has for connections. More are closed as they come, so somebody who takes all keeps all others out. */
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

  /** Whether more than half are taken: then a connection is worth keeping only for one who may use the server. */
  get areShort(): boolean {
    return this.#taken > this.#server.maxConnections / 2;
  }
}
