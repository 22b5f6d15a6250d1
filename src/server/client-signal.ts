import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply } from 'fastify';
import { describeFound } from '../describe-found.ts';
import { invalid } from '../pipeline/check.ts';

/** The signals of unanswered requests. A client may have sent several at once. */
const awaited = new WeakMap<Socket, Map<ServerResponse, AbortController>>();

/**
 * Returns a signal that aborts if the client leaves before it has its answer, to cancel reads nobody needs. Fastify's `request.signal`
 * will not do: it aborts as soon as a request's body has been read. Throws `MILL_INVALID_DECLARATION` for anything but a reply.
 *
 * ```ts
 * app.get('/orders/:id', (_request, reply) => mill.state('orders', 'a', { signal: signalOf(reply) }));
 * ```
 */
export function signalOf(reply: Pick<FastifyReply, 'raw' | 'request'>): AbortSignal {
  if (!(reply?.raw instanceof EventEmitter)) return invalid(`signalOf: expected the reply of a route, found ${describeFound(reply)}`);
  const { raw: response, request } = reply;
  const { socket } = request;
  const answers = awaited.get(socket) ?? follow(socket);
  const known = answers.get(response);
  if (known !== undefined) return known.signal;
  const controller = new AbortController();
  if (socket.destroyed && !response.writableFinished) controller.abort();
  else if (!response.writableFinished) {
    answers.set(response, controller);
    response.once('finish', () => answers.delete(response));
  }
  return controller.signal;
}

/** One listener per connection, however many answers wait. An answer that waits for its turn does not learn of the end by itself. */
function follow(socket: Socket): Map<ServerResponse, AbortController> {
  const answers = new Map<ServerResponse, AbortController>();
  awaited.set(socket, answers);
  socket.once('close', () => {
    for (const controller of answers.values()) controller.abort();
    answers.clear();
  });
  return answers;
}
