import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { describeFound } from '../describe-found.ts';
import { MillraceError } from '../errors.ts';
import { type Ask, safeMethods } from './access/ask.ts';
import { type Guard, nameOfToken, pipelinesOfToken } from './access/guard.ts';
import { crossOriginMessage, isCrossOrigin } from './cross-origin.ts';
import { LiteralPaths } from './literal-paths.ts';
import { pathOf } from './path-of.ts';
import { Places } from './places.ts';
import { securityHeaders } from './security-headers.ts';

/** Routes that still answer while the server stops: monitoring must see that it does. */
const servedToTheEnd: ReadonlySet<string | undefined> = new Set(['/health', '/ping', '/metrics']);

/**
 * The gate that every request passes before its body is read: the only Fastify hook, and {@link Gate.admits} and {@link Gate.entered} for
 * requests that bypass Fastify. It
 *
 * - counts the requests in flight, so that a stop can wait for them;
 * - refuses requests after {@link Gate.close} with `MILL_STOPPING`;
 * - refuses requests without the `Host` of HTTP/1.1, or with several;
 * - refuses requests without permission, see {@link Guard}, and closes their connections when places are short;
 * - refuses requests that match no route: 405 with `Allow` if another method would match, otherwise 404. A path that is declared without
 *   parameters has only its own methods: `GET /events/batch` is no `GET /events/:id`;
 * - refuses changes by a page of another origin: bodies of any type are accepted, so no preflight keeps it out;
 * - refuses compressed bodies, which nothing here reads;
 * - declares every body to be JSON, whatever its `Content-Type` says, because Fastify would refuse an unknown one.
 *
 * It also sets the headers of every answer. For an admitted request it allocates nothing, except for a connection's first one with a token.
 */
export class Gate {
  #inFlight = 0;
  #closed = false;
  readonly #emptied = Promise.withResolvers<void>();

  readonly #guard: Guard;
  readonly #literalPaths: LiteralPaths;
  readonly #places: Places;

  constructor(app: FastifyInstance, guard: Guard) {
    this.#guard = guard;
    this.#literalPaths = new LiteralPaths(app);
    this.#places = new Places(app.server);
    app.decorateRequest(pipelinesOfToken, null);
    app.decorateRequest(nameOfToken, null);
    app.addHook('onRequest', (request, reply, done) => {
      this.entered(reply.raw);
      reply.headers(securityHeaders);
      if (this.#places.areShort && this.#guard.isStranger(request.raw)) reply.raw.shouldKeepAlive = false;
      const refusal = this.#refusalOf(app, request, reply);
      if (refusal === undefined) declareJson(request.raw.headers);
      if (refusal instanceof Promise) refusal.then(done, done);
      else done(refusal);
    });
    app.setNotFoundHandler((request, reply) => {
      throw this.#noRoute(app, request, reply);
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Returns whether it would admit a request that changes something. */
  admits(request: IncomingMessage, ask: Ask): boolean {
    const { headers } = request;
    return !this.#closed && this.#guard.admits(request, ask) && !isCrossOrigin(headers) && !isEncoded(headers);
  }

  /** Counts a request as in flight until its response is closed. */
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

  /** Sets the headers of a refusal. */
  #refusalOf(
    app: FastifyInstance,
    request: FastifyRequest,
    reply: FastifyReply,
  ): MillraceError | undefined | Promise<MillraceError | undefined> {
    if (this.#closed && !servedToTheEnd.has(request.routeOptions.url)) {
      reply.header('connection', 'close');
      return new MillraceError('MILL_STOPPING', 'the server is stopping and accepts no new requests');
    }
    const faultOfHost = hostFault(request.raw);
    if (faultOfHost !== undefined) {
      reply.raw.shouldKeepAlive = false;
      return new MillraceError('MILL_INVALID_REQUEST', faultOfHost);
    }
    const refusal = this.#guard.refusalOf(request, reply);
    if (refusal !== undefined) return refusal;
    if (request.is404 || this.#literalPaths.isWrongMethod(request)) return this.#noRoute(app, request, reply);
    const { headers, method } = request.raw;
    if (safeMethods.has(method)) return undefined;
    if (isCrossOrigin(headers)) return new MillraceError('MILL_CROSS_SITE', crossOriginMessage(headers));
    if (!isEncoded(headers)) return undefined;
    reply.header('accept-encoding', 'identity');
    return new MillraceError('MILL_UNSUPPORTED_ENCODING', encodingMessage(headers));
  }

  #noRoute(app: FastifyInstance, request: FastifyRequest, reply: FastifyReply): MillraceError {
    const { method } = request;
    const path = pathOf(request.url);
    const allowed =
      this.#literalPaths.methodsOf(path) ?? app.supportedMethods.filter((other) => app.findRoute({ method: other, url: path }) !== null);
    // A missing file below a route that serves files is not found, although the method is right.
    if (allowed.length === 0 || allowed.includes(method))
      return new MillraceError('MILL_NOT_FOUND', `expected a known path, found ${path}`);
    reply.header('allow', allowed.join(', '));
    return new MillraceError('MILL_METHOD_NOT_ALLOWED', `expected ${allowed.join(' or ')} for ${path}, found ${method}`);
  }

  readonly #left = () => {
    this.#inFlight -= 1;
    if (this.#closed && this.#inFlight === 0) this.#emptied.resolve();
  };
}

/**
 * Returns what is wrong with a request's `Host` header, if anything: HTTP/1.1 requires one, and RFC 9112, section 3.2, allows no second
 * one. Node.js would answer the former without our headers, and take the first of several.
 */
export function hostFault({ rawHeaders, httpVersion }: IncomingMessage): string | undefined {
  let lines = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) if (isHost(rawHeaders[at])) lines += 1;
  if (lines === 1 || (lines === 0 && httpVersion === '1.0')) return undefined;
  const found = lines === 0 ? 'found none' : `found ${lines} lines`;
  return `Host: expected the name of the server once, as HTTP/1.1 requires, ${found}`;
}

function isHost(name: string | undefined): boolean {
  return name?.length === 4 && name.toLowerCase() === 'host';
}

function declareJson(headers: IncomingHttpHeaders): void {
  const contentType = headers['content-type'];
  if (contentType !== undefined && contentType !== 'application/json') headers['content-type'] = 'application/json';
}

function isEncoded({ 'content-encoding': encoding }: IncomingHttpHeaders): boolean {
  return encoding !== undefined && encoding !== '' && encoding.toLowerCase() !== 'identity';
}

function encodingMessage({ 'content-encoding': encoding }: IncomingHttpHeaders): string {
  return `Content-Encoding: expected none, or identity, found ${describeFound(encoding)}; send the body uncompressed`;
}
