import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests of one connection that are at work at once. */
const atWorkMax = 32;
/** Requests of one connection that may wait for those before them: as many as one piece of the socket may hold, and more. */
const waitingMax = 2_000;
/** The same of all connections together. */
const waitingInAllMax = 10_000;

/** What a connection has asked for. */
interface Line {
  atWork: number;
  readonly waiting: { readonly request: IncomingMessage; readonly response: ServerResponse }[];
}

/**
 * Lets few requests of a connection be at work at once, and closes a connection that asks for far more than it reads. A client may
 * send requests without waiting for answers (RFC 9112, section 9.3.2), and Node.js reads all that came in one piece, more than a
 * thousand perhaps, whose answers would take up memory until those before them are read. To be called once the server has its
 * listeners.
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
      // One whose connection has gone has asked for nothing.
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
    // What followed in the same piece is parsed all the same.
    if (socket.destroyed) return;
    // Only the response whose turn it is has the socket: nobody is before it.
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
