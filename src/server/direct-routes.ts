import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { UnderWay } from './app.ts';
import { logFailure } from './failures.ts';
import type { Gate } from './gate.ts';
import type { TakeIn } from './ingest-route.ts';
import { type InexactNumbers, parseRequiredBody } from './json-body.ts';
import { failureAnswer } from './problem.ts';

const decorator = 'directRoutes';

/** What direct routes work with; the server provides it. */
interface DirectRoutesMeans extends UnderWay {
  readonly gate: Gate;
  readonly log: Logger;
  readonly bodyBytesMax: number;
}

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
  readonly #underWay: UnderWay;
  readonly #bodyBytesMax: number;

  constructor(app: FastifyInstance, { gate, log, bodies, answers, bodyBytesMax }: DirectRoutesMeans) {
    this.#gate = gate;
    this.#log = log;
    this.#underWay = { bodies, answers };
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
    // A client that goes away before the end has asked for nothing.
    this.#underWay.bodies.read(request, this.#bodyBytesMax, (failure, body) => void this.#take(request, response, route, body ?? failure));
  }

  async #take(
    { headers, method, url }: IncomingMessage,
    response: ServerResponse,
    route: DirectRoute,
    rawBody: Buffer | Error | null,
  ): Promise<void> {
    try {
      if (!Buffer.isBuffer(rawBody)) throw rawBody;
      const body = parseRequiredBody(rawBody, route.inexactNumbers);
      const answer = JSON.stringify(await route.take({ body, headers, rawBody }));
      // Node.js takes a list of names and values as it is.
      response.writeHead(202, ['content-type', 'application/json; charset=utf-8', 'content-length', String(Buffer.byteLength(answer))]);
      response.end(answer);
      this.#underWay.answers.sending(response, answer.length);
    } catch (error) {
      const { status, headers, body } = failureAnswer(error);
      logFailure(this.#log, status, { err: error, method, url });
      response.writeHead(status, { ...headers, 'content-length': body.length });
      response.end(body);
    }
  }
}
