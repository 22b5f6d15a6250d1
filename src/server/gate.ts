import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { MillraceError } from '../errors.ts';

/** What still answers while the server stops: who watches it must see that it does. */
const servedToTheEnd: ReadonlySet<string | undefined> = new Set(['/health', '/ping', '/metrics']);

/**
 * What every request passes before its body is read: the one hook of Fastify's, and for requests that go past Fastify
 * {@link Gate.admits} and {@link Gate.entered}. It
 *
 * - counts the requests in flight, so that a stop can wait for them;
 * - refuses what comes in after {@link Gate.close} with `MILL_STOPPING`;
 * - refuses what no route takes: 405 with `Allow` when another method would be taken, otherwise 404;
 * - refuses what a page of another site would change: bodies of any type are taken, so no preflight keeps it out;
 * - declares every body to be JSON, whatever its `Content-Type` says, for Fastify would refuse one that it does not know.
 *
 * It is synchronous and allocates nothing for a request that it lets in.
 */
export class Gate {
  #inFlight = 0;
  #closed = false;
  readonly #emptied = Promise.withResolvers<void>();

  constructor(app: FastifyInstance) {
    app.addHook('onRequest', (request, reply, done) => {
      this.entered(reply.raw);
      if (this.#closed && !servedToTheEnd.has(request.routeOptions.url)) {
        reply.header('connection', 'close');
        done(new MillraceError('MILL_STOPPING', 'the server is stopping and takes no new requests'));
        return;
      }
      if (request.is404) {
        done(noRoute(app, request, reply));
        return;
      }
      const { headers, method } = request.raw;
      if (isCrossSite(headers) && method !== 'GET' && method !== 'HEAD') {
        done(new MillraceError('MILL_CROSS_SITE', 'expected a request of the same site, or of a program, found one of another site'));
        return;
      }
      const contentType = headers['content-type'];
      if (contentType !== undefined && contentType !== 'application/json') headers['content-type'] = 'application/json';
      done();
    });
    app.setNotFoundHandler((request, reply) => {
      throw noRoute(app, request, reply);
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether it would let a request with these headers in that changes something. */
  admits(headers: IncomingHttpHeaders): boolean {
    return !this.#closed && !isCrossSite(headers);
  }

  /** A request is in flight until its response is closed. */
  entered(response: ServerResponse): void {
    this.#inFlight += 1;
    response.on('close', this.#left);
  }

  /** Refuses new requests from now on. Resolves once those in flight have been answered. */
  close(): Promise<void> {
    this.#closed = true;
    if (this.#inFlight === 0) this.#emptied.resolve();
    return this.#emptied.promise;
  }

  readonly #left = () => {
    this.#inFlight -= 1;
    if (this.#closed && this.#inFlight === 0) this.#emptied.resolve();
  };
}

function isCrossSite(headers: IncomingHttpHeaders): boolean {
  return headers['sec-fetch-site'] === 'cross-site';
}

function noRoute(app: FastifyInstance, request: FastifyRequest, reply: FastifyReply): MillraceError {
  const { method } = request;
  const path = request.url.split('?', 1)[0] ?? '';
  const allowed = app.supportedMethods.filter((other) => app.findRoute({ method: other, url: path }) !== null);
  // A file that is missing below a route that serves files is not found, although the method is right.
  if (allowed.length === 0 || allowed.includes(method)) return new MillraceError('MILL_NOT_FOUND', `expected a known path, found ${path}`);
  reply.header('allow', allowed.join(', '));
  return new MillraceError('MILL_METHOD_NOT_ALLOWED', `expected ${allowed.join(' or ')} for ${path}, found ${method}`);
}
