import { STATUS_CODES } from 'node:http';
import type { FastifyReply } from 'fastify';
import { type ErrorCode, errorTable, type Issue, MillraceError, messageOf } from '../errors.ts';
import { issuesMax } from '../pipeline/issues.ts';
import { securityHeaders } from './security-headers.ts';

/** Problem details, RFC 9457. */
interface Problem {
  /** `urn:millrace:error:backlog-full` for `MILL_BACKLOG_FULL`; `about:blank` for what HTTP itself says with the status. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code?: ErrorCode;
  /** What is wrong with the input, and where: the first issues. */
  readonly errors?: readonly Issue[];
  /** How many issues there are, where `errors` does not hold all of them. */
  readonly errorCount?: number;
}

export const problemMediaType = 'application/problem+json';

/** Returns the problem that the caller gets. It says nothing of an unexpected error, whose text may hold what is not the caller's. */
function problemOf(thrown: unknown, bodyBytesMax?: number): Problem {
  const error = toMillraceError(thrown, bodyBytesMax);
  if (error !== undefined) {
    const { title, status } = errorTable[error.code];
    return { type: typeOf(error.code), title, status, detail: detailOf(error), code: error.code, ...errorsOf(error) };
  }
  const status = statusOf(thrown);
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail: messageOf(thrown) };
}

/**
 * Returns what a caller may know of an error. What only the log may hold is the text of an unexpected one, which is that of whatever failed,
 * and that of a store, which names its files.
 */
export function detailOf(error: MillraceError): string {
  if (error.code === 'MILL_INTERNAL') return unexpectedDetail;
  if (!isOfStore(error.code)) return messageOf(error);
  return `${errorTable[error.code].title}; the log and GET /health of the server have the details`;
}

function isOfStore(code: ErrorCode): boolean {
  return code.startsWith('MILL_STORE_') || code === 'MILL_COMMIT_REFUSED' || code === 'MILL_TABLE_CHANGED';
}

function errorsOf({ issues, issueCount }: MillraceError): Pick<Problem, 'errors' | 'errorCount'> {
  if (issues.length === 0) return {};
  const errors = issues.slice(0, issuesMax);
  return issueCount > errors.length ? { errors, errorCount: issueCount } : { errors };
}

/** An answer as HTTP has it. */
interface FailureAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** As bytes, because to a string Fastify would add a charset, which the media type does not have. */
  readonly body: Buffer;
}

/**
 * What was thrown as an answer. A 503 always says when to try again, in whole seconds; one second when the error does not
 * know.
 *
 * @param bodyBytesMax what the route takes, for the answer to a body that is larger
 */
export function failureAnswer(thrown: unknown, bodyBytesMax?: number): FailureAnswer {
  try {
    return answerFor(thrown, bodyBytesMax);
  } catch {
    // A proxy, or a getter of an error, may throw when it is read.
    return answerFor(unexpected());
  }
}

function answerFor(thrown: unknown, bodyBytesMax?: number): FailureAnswer {
  const problem = problemOf(thrown, bodyBytesMax);
  const retryAfterMs = thrown instanceof MillraceError ? (thrown.retryAfterMs ?? 0) : 0;
  const headers: Record<string, string> = { ...securityHeaders, 'content-type': problemMediaType };
  if (problem.status === 503) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
  return { status: problem.status, headers, body: Buffer.from(JSON.stringify(problem)) };
}

/** Answers by Fastify's way. */
export function sendFailure(reply: FastifyReply, { status, headers, body }: FailureAnswer): void {
  reply.code(status).headers(headers).send(body);
}

/** What was thrown as an error of the table; undefined when HTTP's own status says it all. */
function toMillraceError(thrown: unknown, bodyBytesMax: number | undefined): MillraceError | undefined {
  if (thrown instanceof MillraceError) return thrown;
  const status = statusOf(thrown);
  if (status === 413) {
    const expected = bodyBytesMax === undefined ? 'a smaller body' : `a body of at most ${bodyBytesMax} bytes`;
    return new MillraceError('MILL_BODY_TOO_LARGE', `expected ${expected}, found a larger one`);
  }
  if (status === 414) return new MillraceError('MILL_NOT_FOUND', 'expected a shorter path, nothing here has a name so long');
  if (codeOf(thrown) === 'FST_ERR_BAD_URL') {
    return new MillraceError('MILL_INVALID_REQUEST', 'expected a path in percent-encoded UTF-8, found one that cannot be decoded');
  }
  if (status < 500) return undefined;
  return unexpected();
}

const unexpectedDetail = 'something unexpected happened; the log of the server has the details';

function unexpected(): MillraceError {
  return new MillraceError('MILL_INTERNAL', unexpectedDetail);
}

function typeOf(code: ErrorCode): string {
  return `urn:millrace:error:${code.slice('MILL_'.length).toLowerCase().replaceAll('_', '-')}`;
}

/** The 4xx that an error of Fastify or of a route asks for, otherwise 500. */
function statusOf(thrown: unknown): number {
  const status = typeof thrown === 'object' && thrown !== null && 'statusCode' in thrown ? thrown.statusCode : undefined;
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status < 500 ? status : 500;
}

function codeOf(thrown: unknown): unknown {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined;
}
