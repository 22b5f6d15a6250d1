import fastify, { type FastifyInstance, LogController } from 'fastify';
import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import { Answers } from './answers.ts';
import { Bodies } from './bodies.ts';
import { answerClientError, answerFailures, refuseExpectation } from './failures.ts';
import type { HttpLimits } from './http-limits.ts';
import { missingBody, parseJsonBody, rawBody } from './json-body.ts';
import { isOptionalBody } from './optional-body.ts';
import { pathOf } from './path-of.ts';
import { failureAnswer, sendFailure } from './problem.ts';
import { queryCheck } from './query-parameters.ts';

/** The work under way at a server. */
export interface UnderWay {
  readonly bodies: Bodies;
  readonly answers: Answers;
}

/** Creates a Fastify app that accepts JSON under any media type, answers with problem details, and keeps these limits. It has no routes. */
export function createApp(log: Logger, limits: HttpLimits): { readonly app: FastifyInstance } & UnderWay {
  const app = fastify({
    // Without a logger Fastify neither makes a child logger for each request nor announces its address, which is up to the caller. Requests
    // still log to the server's log, but not automatically.
    logger: false,
    childLoggerFactory: () => log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    // The gate checks the Host.
    http: { requireHostHeader: false, headersTimeout: limits.headersTimeoutMs, connectionsCheckingInterval: limits.timeoutCheckMs },
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: limits.pathParameterLength },
    frameworkErrors: (error, _request, reply) => sendFailure(reply, failureAnswer(error)),
    clientErrorHandler: answerClientError,
  });
  app.server.maxConnections = limits.connections;
  app.server.on('checkExpectation', refuseExpectation);
  const bodies = new Bodies(limits.bodiesBytes);
  const answers = new Answers(app.server, {
    bytesMax: limits.answersBytes,
    timeoutMs: limits.answerTimeoutMs,
    checkMs: limits.timeoutCheckMs,
  });
  answerFailures(app, log);
  acceptJson(app, bodies);
  boundAnswers(app, answers);
  logAccess(app, log);
  // Schemas are documentation here; inputs are checked by Standard Schemas, in the engine or by parseRequest.
  app.setValidatorCompiler(({ httpPart, schema }) => {
    if (httpPart === 'body') return isOptionalBody(schema) ? () => true : requireBody;
    return httpPart === 'querystring' ? queryCheck(schema) : () => true;
  });
  app.setSerializerCompiler(() => JSON.stringify);
  return { app, bodies, answers };
}

const empty = Buffer.alloc(0);

/** Parses every body as JSON; the gate has set its type. An empty body is none, and a route that requires one says so. */
function acceptJson(app: FastifyInstance, bodies: Bodies): void {
  app.decorateRequest(rawBody, null);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(['application/json', '*'], (request, payload, done) => {
    bodies.read(payload, request.routeOptions.bodyLimit ?? app.initialConfig.bodyLimit ?? 0, (failure, body = empty) => {
      if (failure !== null) return done(failure);
      request.setDecorator(rawBody, body);
      try {
        done(null, body.length === 0 ? undefined : parseJsonBody(body, request.routeOptions.config.inexactNumbers));
      } catch (error) {
        done(error instanceof Error ? error : new Error(messageOf(error)));
      }
    });
  });
}

/** A stream is read at the client's pace. Its unread part counts, and a stream begins only while there is room. */
function boundAnswers(app: FastifyInstance, answers: Answers): void {
  app.addHook('onSend', (_request, reply, payload, done) => {
    const bytes = bytesOf(payload);
    try {
      if (bytes === undefined) answers.checkRoomForStream();
      else answers.checkRoom(bytes);
    } catch (error) {
      const { status, headers, body } = failureAnswer(error);
      reply.code(status).headers(headers).removeHeader('content-length');
      done(null, body);
      return;
    }
    if (bytes === undefined) answers.streaming(reply.raw);
    else answers.sending(reply.raw, bytes);
    done(null, payload);
  });
}

/** Returns the bytes of an answer; undefined for a stream. */
function bytesOf(payload: unknown): number | undefined {
  if (typeof payload === 'string' || payload instanceof Uint8Array) return payload.length;
  return typeof payload === 'object' && payload !== null ? undefined : 0;
}

/** Fastify passes null to a body's validator if there was no body. */
function requireBody(body: unknown): true | { error: Error } {
  return body === null ? { error: missingBody() } : true;
}

/** Logs one line per answer, at debug only: otherwise the hot path pays for no hook. */
function logAccess(app: FastifyInstance, log: Logger): void {
  if (!log.isLevelEnabled('debug')) return;
  app.addHook('onResponse', (request, reply, done) => {
    const elapsedMs = Math.round(reply.elapsedTime * 10) / 10;
    log.debug({ method: request.method, path: pathOf(request.url), status: reply.statusCode, elapsedMs }, 'answered');
    done();
  });
}
