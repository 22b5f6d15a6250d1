import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { logFailure } from './failures.ts';
import type { Gate } from './gate.ts';
import type { TakeIn } from './ingest-route.ts';
import { type InexactNumbers, parseRequiredBody } from './json-body.ts';
import { failureAnswer } from './problem.ts';

const decorator = 'directRoutes';

interface DirectRoute {
  readonly take: TakeIn;
  readonly inexactNumbers: InexactNumbers;
}

/** The direct routes of a Fastify that has any. */
export function directRoutesOf(app: FastifyInstance): DirectRoutes | undefined {
  return app.hasDecorator(decorator) ? app.getDecorator<DirectRoutes>(decorator) : undefined;
}

/**
 * The short way for the requests that a server has most of: those that take events in. What Fastify does for a request (its
 * objects, hooks, serializer) costs as much as all the rest of such a request, so one that is in every way plain is read
 * and answered here, past it: `POST` to a path as it was registered, with the length of its body, which is not too large.
 * All others go to Fastify, which has the same route, and both ways pass the same gate, parser and problems.
 */
export class DirectRoutes {
  readonly #routes = new Map<string, DirectRoute>();
  readonly #gate: Gate;
  readonly #log: Logger;
  readonly #bodyBytesMax: number;

  constructor(app: FastifyInstance, gate: Gate, log: Logger, bodyBytesMax: number) {
    this.#gate = gate;
    this.#log = log;
    this.#bodyBytesMax = bodyBytesMax;
    app.decorate(decorator, { getter: (): DirectRoutes => this });
    const others = app.server.listeners('request');
    app.server.removeAllListeners('request');
    app.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const route = this.#routeFor(request);
      if (route !== undefined) this.#answer(request, response, route);
      else for (const other of others) other.call(app.server, request, response);
    });
  }

  /** @param path with no parameters */
  add(path: string, take: TakeIn, inexactNumbers: InexactNumbers): void {
    this.#routes.set(path, { take, inexactNumbers });
  }

  #routeFor({ method, url = '', headers }: IncomingMessage): DirectRoute | undefined {
    if (method !== 'POST') return undefined;
    const route = this.#routes.get(url);
    if (route === undefined || !this.#gate.admits(headers)) return undefined;
    // Beside an encoding, which a lenient parser lets pass, the length would say nothing.
    const bytes = headers['transfer-encoding'] === undefined ? Number(headers['content-length']) : 0;
    return bytes > 0 && bytes <= this.#bodyBytesMax ? route : undefined;
  }

  #answer(request: IncomingMessage, response: ServerResponse, route: DirectRoute): void {
    this.#gate.entered(response);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A client that goes away before the end has asked for nothing.
    request.on('end', () => {
      const [first] = chunks;
      void this.#take(request, response, route, first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks));
    });
  }

  async #take({ headers, method, url }: IncomingMessage, response: ServerResponse, route: DirectRoute, rawBody: Buffer): Promise<void> {
    try {
      const body = parseRequiredBody(rawBody, route.inexactNumbers);
      const answer = JSON.stringify(await route.take({ body, headers, rawBody }));
      // Node.js takes a list of names and values as it is.
      response.writeHead(202, ['content-type', 'application/json; charset=utf-8', 'content-length', String(Buffer.byteLength(answer))]);
      response.end(answer);
    } catch (error) {
      const { status, headers, body } = failureAnswer(error);
      logFailure(this.#log, status, { err: error, method, url });
      response.writeHead(status, { ...headers, 'content-length': body.length });
      response.end(body);
    }
  }
}
