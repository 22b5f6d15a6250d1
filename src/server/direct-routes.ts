import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { type Ask, accessOf, pipelinesOf } from './access/ask.ts';
import type { UnderWay } from './app.ts';
import { checkAnswer } from './check-ingest-route.ts';
import { logFailure } from './failures.ts';
import { type Gate, hostFault } from './gate.ts';
import type { TakeIn } from './ingest-request.ts';
import { type InexactNumbers, parseRequiredBody } from './json-body.ts';
import { PlainRoutes } from './plain-routes.ts';
import { failureAnswer } from './problem.ts';
import { rawSecurityHeaders } from './security-headers.ts';

const decorator = 'directRoutes';

/** The dependencies of direct routes, provided by the server. */
interface DirectRoutesMeans extends UnderWay {
  readonly gate: Gate;
  readonly log: Logger;
  readonly bodyBytesMax: number;
}

interface DirectRoute {
  /** As registered, with parameters. */
  readonly url: string;
  /** The complete path, without parameters. */
  readonly path: string;
  /** The route's Fastify handler, equivalent to `take`. */
  readonly handler: unknown;
  /** The pipelines it takes events in for; by default those its route declares. */
  readonly pipelines?: readonly string[];
  readonly take: TakeIn;
}

/** Its last value is the length. */
const headOfAnswer = [...rawSecurityHeaders, 'content-type', 'application/json; charset=utf-8', 'content-length'];

interface OpenRoute extends Pick<DirectRoute, 'take'> {
  readonly ask: Ask;
  readonly inexactNumbers: InexactNumbers | undefined;
}

/** Returns the direct routes of a Fastify app, if it has any. */
export function directRoutesOf(app: FastifyInstance): DirectRoutes | undefined {
  return app.hasDecorator(decorator) ? app.getDecorator<DirectRoutes>(decorator) : undefined;
}

/**
 * The short cut for a server's most frequent requests: those that ingest events. Fastify's work for a request (its objects, hooks,
 * serializer) costs as much as the rest of such a request, so one that is plain in every way is read and answered here, bypassing Fastify:
 * `POST` to a path as registered, with the length of its body, which is not too large. All others go to Fastify, which has the same route,
 * and both ways use the same gate, parser and problems. So do those to a route that is not plain ({@link PlainRoutes}): anyone who adds a
 * hook, a parser or a check can rely on it.
 */
export class DirectRoutes {
  readonly #routes = new Map<string, OpenRoute>();
  readonly #gate: Gate;
  readonly #log: Logger;
  readonly #underWay: UnderWay;
  readonly #bodyBytesMax: number;
  readonly #plainRoutes: PlainRoutes;

  constructor(app: FastifyInstance, { gate, log, bodies, answers, bodyBytesMax }: DirectRoutesMeans) {
    this.#gate = gate;
    this.#log = log;
    this.#underWay = { bodies, answers };
    this.#bodyBytesMax = bodyBytesMax;
    app.decorate(decorator, { getter: (): DirectRoutes => this });
    this.#plainRoutes = new PlainRoutes(app);
    const others = app.server.listeners('request');
    app.server.removeAllListeners('request');
    app.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const route = this.#routeFor(request);
      if (route !== undefined) this.#answer(request, response, route);
      else for (const other of others) other.call(app.server, request, response);
    });
  }

  /** Opens the short cut for a registered route, once the server is ready and if the route is plain then. */
  add(app: FastifyInstance, { take, path, pipelines, ...route }: DirectRoute): void {
    app.addHook('onReady', (done) => {
      const options = this.#plainRoutes.find(route, path);
      if (options !== undefined) {
        const { config = {} } = options;
        const ask = { access: accessOf(config, 'POST'), pipelines: pipelines ?? pipelinesOf(config) };
        this.#routes.set(path, { take, ask, inexactNumbers: config.inexactNumbers });
      }
      done();
    });
  }

  #routeFor(request: IncomingMessage): OpenRoute | undefined {
    const { method, url = '', headers } = request;
    if (method !== 'POST' || hostFault(request) !== undefined) return undefined;
    const route = this.#routes.get(url);
    if (route === undefined || !this.#gate.admits(request, route.ask)) return undefined;
    // With an encoding, which a lenient parser lets pass, the length would mean nothing.
    const bytes = headers['transfer-encoding'] === undefined ? Number(headers['content-length']) : 0;
    return bytes > 0 && bytes <= this.#bodyBytesMax ? route : undefined;
  }

  #answer(request: IncomingMessage, response: ServerResponse, route: OpenRoute): void {
    this.#gate.entered(response);
    // A client that leaves before the end has requested nothing.
    this.#underWay.bodies.read(request, this.#bodyBytesMax, (failure, body) => void this.#take(request, response, route, body ?? failure));
  }

  async #take(
    { headers, method, url }: IncomingMessage,
    response: ServerResponse,
    route: OpenRoute,
    rawBody: Buffer | Error | null,
  ): Promise<void> {
    try {
      if (!Buffer.isBuffer(rawBody)) throw rawBody;
      const body = parseRequiredBody(rawBody, route.inexactNumbers);
      const answer = JSON.stringify(checkAnswer(await route.take({ body, headers, rawBody })));
      // Node.js takes a list of names and values unchanged.
      response.writeHead(202, [...headOfAnswer, String(Buffer.byteLength(answer))]);
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
