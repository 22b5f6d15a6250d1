import { Socket } from 'node:net';

/** The sockets of a store's connections. They allow ending a connection while the driver is still making it, or waits for the server. */
export class Sockets {
  readonly #open = new Set<Socket>();
  #isCut = false;

  /** Makes a socket for a new connection. */
  make(): Socket {
    const socket = new Socket();
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    // The driver, which is about to get it, listens from then on.
    if (this.#isCut) setImmediate(end, socket);
    return socket;
  }

  /** Ends all of them at once, and every future one. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#open) end(socket);
  }
}

function end(socket: Socket): void {
  socket.destroy(new Error('the connection was abandoned'));
}
