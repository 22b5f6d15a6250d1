import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests of one connection that may wait for the answer to the one before. */
const waitingMax = 32;
/** The same of all connections together. */
const waitingInAllMax = 10_000;

/**
 * Closes connections that ask for far more than they read. A client may send requests without waiting for answers (RFC 9112, section
 * 9.3.2), and Node.js reads all that came in one piece, more than a thousand perhaps, each of which takes up kilobytes until those
 * before it are answered. To be called once the server has its listeners.
 */
export function boundPipelining(server: Server): void {
  const waiting = new WeakMap<Socket, number>();
  let waitingInAll = 0;
  const others = server.listeners('request');
  server.removeAllListeners('request');

  /** Whether a request may wait for its turn. */
  function mayWait(response: ServerResponse, socket: Socket): boolean {
    const ahead = waiting.get(socket) ?? 0;
    if (ahead >= waitingMax || waitingInAll >= waitingInAllMax) return false;
    waiting.set(socket, ahead + 1);
    waitingInAll += 1;
    response.on('close', () => {
      waiting.set(socket, (waiting.get(socket) ?? 0) - 1);
      waitingInAll -= 1;
    });
    return true;
  }

  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    // What followed in the same piece is parsed all the same.
    if (socket.destroyed) return;
    // Only the response whose turn it is has the socket.
    if (response.socket === null && !mayWait(response, socket)) socket.destroy();
    else for (const other of others) other.call(server, request, response);
  });
}
