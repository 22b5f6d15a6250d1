import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { logFailure } from './failures.ts';
import type { Gate } from './gate.ts';
import { httpLimits } from './http-limits.ts';
import type { TakeIn } from './ingest-route.ts';
import { parseRequiredBody } from './json-body.ts';
import { failureAnswer } from './problem.ts';

const decorator = 'directRoutes';

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
  readonly #takes = new Map<string, TakeIn>();
  readonly #gate: Gate;
  readonly #log: Logger;

  constructor(app: FastifyInstance, gate: Gate, log: Logger) {
    this.#gate = gate;
    this.#log = log;
    app.decorate(decorator, { getter: (): DirectRoutes => this });
    const others = app.server.listeners('request');
    app.server.removeAllListeners('request');
    app.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const take = this.#takeFor(request);
      if (take !== undefined) this.#answer(request, response, take);
      else for (const other of others) other.call(app.server, request, response);
    });
  }

  /** @param path with no parameters */
  add(path: string, take: TakeIn): void {
    this.#takes.set(path, take);
  }

  #takeFor({ method, url = '', headers }: IncomingMessage): TakeIn | undefined {
    if (method !== 'POST') return undefined;
    const take = this.#takes.get(url);
    if (take === undefined || !this.#gate.admits(headers)) return undefined;
    // Beside an encoding, which a lenient parser lets pass, the length would say nothing.
    const bytes = headers['transfer-encoding'] === undefined ? Number(headers['content-length']) : 0;
    return bytes > 0 && bytes <= httpLimits.bodyBytes ? take : undefined;
  }

  #answer(request: IncomingMessage, response: ServerResponse, take: TakeIn): void {
    this.#gate.entered(response);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A client that goes away before the end has asked for nothing.
    request.on('end', () => {
      const [first] = chunks;
      void this.#take(request, response, take, first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks));
    });
  }

  async #take({ headers, method, url }: IncomingMessage, response: ServerResponse, take: TakeIn, bytes: Buffer): Promise<void> {
    try {
      const answer = JSON.stringify(await take({ body: parseRequiredBody(bytes), headers }));
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
