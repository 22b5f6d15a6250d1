import { type IncomingMessage, maxHeaderSize, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import { codeOf, faultOf } from '../fault.ts';
import { pathOf } from './path-of.ts';
import { failureAnswer, problemMediaType, sendFailure } from './problem.ts';
import { securityHeaders } from './security-headers.ts';

/** Answers every error in a request with its problem, and logs our own faults. */
export function answerFailures(app: FastifyInstance, log: Logger): void {
  app.setErrorHandler((error, request, reply) => {
    const answer = failureAnswer(error, request.routeOptions.bodyLimit);
    logFailure(log, answer.status, { err: error, method: request.method, url: request.url });
    // Fastify closes the connection after a partly read body, and with unread bytes in its buffer the kernel resets it, so the client
    // may never see the answer. Node.js reads and drops the rest, limited by the request's time limit.
    if (answer.status !== 503 && reply.hasHeader('connection')) keepConnection(reply);
    sendFailure(reply, answer);
  });
}

/**
 * Keeps the connection if the client wants that, in Node.js's own words. Without a `Connection: keep-alive` an HTTP/1.0 client waits for
 * the end of the connection, and Node.js adds none once Fastify has removed its own header.
 */
function keepConnection(reply: FastifyReply): void {
  if (!reply.raw.shouldKeepAlive) return;
  reply.headers({ connection: 'keep-alive', 'keep-alive': `timeout=${Math.floor(reply.server.server.keepAliveTimeout / 1000)}` });
}

type FailedRequest = { readonly err: unknown } & Pick<IncomingMessage, 'method' | 'url'>;

/** Logs our own faults. A store failure is logged once, where the engine was started, not for every affected request. */
export function logFailure(log: Logger, status: number, { err, method, url = '' }: FailedRequest): void {
  // The engine has already logged the fault of a pipeline, whoever sent the event.
  if (status < 500 || status === 503 || codeOf(err) === 'MILL_PIPELINE_FAILED') return;
  log.error({ ...faultOf(err), method, path: pathOf(url) }, 'request failed');
}

/** Answers a request with an unsupported expectation: with 417, like Node.js, and our headers. */
export function refuseExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const { status, headers, body } = failureAnswer(
    Object.assign(new Error('Expect: expected 100-continue, found another'), { statusCode: 417 }),
  );
  response.writeHead(status, { ...headers, 'content-length': body.length });
  response.end(body);
}

/** The answers to what never became a request, by the codes of Node.js and its parser. */
const clientErrors: Readonly<Record<string, { readonly status: number; readonly detail: string }>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, detail: 'expected the whole request within the time limit' },
  HPE_HEADER_OVERFLOW: {
    status: 431,
    detail: `expected a URL and headers of at most ${maxHeaderSize} bytes together, found more`,
  },
};
const malformed = { status: 400, detail: 'expected a well-formed HTTP/1.1 request' };

/** Answers data that is not HTTP, is too slow or has too long headers, which never became a request, and closes the connection. */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, detail } = clientErrors[error.code ?? ''] ?? malformed;
  const title = STATUS_CODES[status] ?? 'Bad Request';
  const body = JSON.stringify({ type: 'about:blank', title, status, detail });
  const headers = { ...securityHeaders, 'content-type': problemMediaType, 'content-length': body.length, connection: 'close' };
  const head = [`HTTP/1.1 ${status} ${title}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
