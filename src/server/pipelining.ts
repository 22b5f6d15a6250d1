import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests of one connection processed at once. */
const atWorkMax = 32;
/** Requests of one connection that may queue: as many as one chunk of the socket may hold, and more. */
const waitingMax = 2_000;
/** The same for all connections together. */
const waitingInAllMax = 10_000;

/** The requests of a connection. */
interface Line {
  atWork: number;
  readonly waiting: { readonly request: IncomingMessage; readonly response: ServerResponse }[];
}

/**
 * Limits how many requests of a connection are processed at once, and closes a connection that requests far more than it reads. A client
 * may send requests without waiting for answers (RFC 9112, section 9.3.2), and Node.js parses everything in one chunk, perhaps more than a
 * thousand requests, whose answers would take up memory until earlier ones are read. Call it once the server has its listeners.
 */
export function boundPipelining(server: Server): void {
  const lines = new WeakMap<Socket, Line>();
  let waitingInAll = 0;
  const others = server.listeners('request');
  server.removeAllListeners('request');

  function begin(request: IncomingMessage, response: ServerResponse, line: Line): void {
    line.atWork += 1;
    response.on('close', () => {
      line.atWork -= 1;
      next(line);
    });
    for (const other of others) other.call(server, request, response);
  }

  function next(line: Line): void {
    for (let first = line.waiting.shift(); first !== undefined; first = line.waiting.shift()) {
      waitingInAll -= 1;
      // Requests of a closed connection are dropped.
      if (first.request.socket.destroyed) continue;
      begin(first.request, first.response, line);
      return;
    }
  }

  function wait(request: IncomingMessage, response: ServerResponse, line: Line): void {
    const { socket } = request;
    if (line.waiting.length >= waitingMax || waitingInAll >= waitingInAllMax) {
      socket.destroy();
      return;
    }
    waitingInAll += 1;
    line.waiting.push({ request, response });
  }

  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    // Later requests in the same chunk are still parsed.
    if (socket.destroyed) return;
    // Only the response whose turn it is has the socket: none is before it.
    const before = lines.get(socket);
    if (before === undefined && response.socket !== null) {
      for (const other of others) other.call(server, request, response);
      return;
    }
    const line = before ?? { atWork: 0, waiting: [] };
    lines.set(socket, line);
    if (line.atWork < atWorkMax && line.waiting.length === 0) begin(request, response, line);
    else wait(request, response, line);
  });
}
