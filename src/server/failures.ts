import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import { codeOf, faultOf } from '../fault.ts';
import { pathOf } from './path-of.ts';
import { failureAnswer, problemMediaType, sendFailure } from './problem.ts';
import { securityHeaders } from './security-headers.ts';

/** Answers everything that is thrown on the way of a request with its problem, and logs what is our fault. */
export function answerFailures(app: FastifyInstance, log: Logger): void {
  app.setErrorHandler((error, request, reply) => {
    const answer = failureAnswer(error, request.routeOptions.bodyLimit);
    logFailure(log, answer.status, { err: error, method: request.method, url: request.url });
    // Fastify closes the connection after a body that it did not read to its end, and with unread bytes in its buffer the
    // kernel resets it, so that the client may never see the answer. Node.js reads and drops the rest; the request's
    // time limit bounds that.
    if (answer.status !== 503 && reply.hasHeader('connection')) keepConnection(reply);
    sendFailure(reply, answer);
  });
}

/**
 * Keeps the connection if the client wants that, in the words that Node.js has for it. Without a `Connection: keep-alive` a
 * client of HTTP/1.0 waits for the end of the connection, and Node.js adds none once Fastify has removed its own header.
 */
function keepConnection(reply: FastifyReply): void {
  if (!reply.raw.shouldKeepAlive) return;
  reply.headers({ connection: 'keep-alive', 'keep-alive': `timeout=${Math.floor(reply.server.server.keepAliveTimeout / 1000)}` });
}

type FailedRequest = { readonly err: unknown } & Pick<IncomingMessage, 'method' | 'url'>;

/** Logs what is our fault. A store that fails says so once, where the engine was started, and not with every request that it fails. */
export function logFailure(log: Logger, status: number, { err, method, url = '' }: FailedRequest): void {
  // The engine has logged the fault of a pipeline, whoever brought the event.
  if (status < 500 || status === 503 || codeOf(err) === 'MILL_PIPELINE_FAILED') return;
  log.error({ ...faultOf(err), method, path: pathOf(url) }, 'request failed');
}

/** Answers a request that expects of the server what it cannot: with 417, as Node.js does it, and our headers. */
export function refuseExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const { status, headers, body } = failureAnswer(
    Object.assign(new Error('Expect: expected 100-continue, found another'), { statusCode: 417 }),
  );
  response.writeHead(status, { ...headers, 'content-length': body.length });
  response.end(body);
}

const statusByCode: Readonly<Record<string, number>> = { ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_HEADER_OVERFLOW: 431 };

/** Answers what is no HTTP, too slow or has too many headers, of which no request came to be, and closes the connection. */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = statusByCode[error.code ?? ''] ?? 400;
  const title = STATUS_CODES[status] ?? 'Bad Request';
  const body = JSON.stringify({ type: 'about:blank', title, status, detail: 'expected a well-formed HTTP/1.1 request in good time' });
  const headers = { ...securityHeaders, 'content-type': problemMediaType, 'content-length': body.length, connection: 'close' };
  const head = [`HTTP/1.1 ${status} ${title}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
