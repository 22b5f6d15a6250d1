import { STATUS_CODES } from 'node:http';
import type { FastifyReply } from 'fastify';
import { type ErrorCode, errorTable, type Issue, MillraceError, messageOf } from '../errors.ts';
import { issuesMax } from '../pipeline/issues.ts';
import { securityHeaders } from './security-headers.ts';

/** Problem details, RFC 9457. */
interface Problem {
  /** `urn:millrace:error:backlog-full` for `MILL_BACKLOG_FULL`; `about:blank` if the HTTP status says it all. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code?: ErrorCode;
  /** The first issues of the input, with their places. */
  readonly errors?: readonly Issue[];
  /** The total number of issues, if `errors` does not hold all of them. */
  readonly errorCount?: number;
}

export const problemMediaType = 'application/problem+json';

/** Returns the caller's problem. It reveals nothing of an unexpected error, whose text may contain other people's data. */
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
 * Returns the part of an error that a caller may know. Only the log has the texts of unexpected errors, which come from whatever
 * failed, and of store errors, which name its files.
 */
export function detailOf(error: MillraceError): string {
  if (error.code === 'MILL_INTERNAL') return unexpectedDetail;
  if (!isOfStore(error.code)) return messageOf(error);
  return `${errorTable[error.code].title}; see the server's log and GET /health`;
}

function isOfStore(code: ErrorCode): boolean {
  return code.startsWith('MILL_STORE_') || code === 'MILL_COMMIT_REFUSED' || code === 'MILL_TABLE_CHANGED';
}

function errorsOf({ issues, issueCount }: MillraceError): Pick<Problem, 'errors' | 'errorCount'> {
  if (issues.length === 0) return {};
  const errors = issues.slice(0, issuesMax);
  return issueCount > errors.length ? { errors, errorCount: issueCount } : { errors };
}

/** An answer in HTTP form. */
interface FailureAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** As bytes, because Fastify would add a charset to a string, which the media type does not have. */
  readonly body: Buffer;
}

/**
 * Converts an error to an answer. A 503 always says when to retry, in whole seconds; one second if the error does not say.
 *
 * @param bodyBytesMax the route's limit, for the answer to a larger body
 */
export function failureAnswer(thrown: unknown, bodyBytesMax?: number): FailureAnswer {
  try {
    return answerFor(thrown, bodyBytesMax);
  } catch {
    // Reading a proxy, or a getter of an error, may throw.
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

/** Sends the answer through Fastify. */
export function sendFailure(reply: FastifyReply, { status, headers, body }: FailureAnswer): void {
  reply.code(status).headers(headers).send(body);
}

/** Converts a thrown value to an error of the table; undefined if HTTP's own status says it all. */
function toMillraceError(thrown: unknown, bodyBytesMax: number | undefined): MillraceError | undefined {
  if (thrown instanceof MillraceError) return thrown;
  const status = statusOf(thrown);
  if (status === 413) {
    const expected = bodyBytesMax === undefined ? 'a smaller body' : `a body of at most ${bodyBytesMax} bytes`;
    return new MillraceError('MILL_BODY_TOO_LARGE', `expected ${expected}, found a larger one`);
  }
  if (status === 414) return new MillraceError('MILL_NOT_FOUND', 'expected a shorter path; no name here is that long');
  if (codeOf(thrown) === 'FST_ERR_BAD_URL') {
    return new MillraceError('MILL_INVALID_REQUEST', 'expected a path in percent-encoded UTF-8, found one that cannot be decoded');
  }
  if (status < 500) return undefined;
  return unexpected();
}

const unexpectedDetail = "an unexpected error occurred; see the server's log";

function unexpected(): MillraceError {
  return new MillraceError('MILL_INTERNAL', unexpectedDetail);
}

function typeOf(code: ErrorCode): string {
  return `urn:millrace:error:${code.slice('MILL_'.length).toLowerCase().replaceAll('_', '-')}`;
}

/** Returns the 4xx requested by a Fastify or route error, otherwise 500. */
function statusOf(thrown: unknown): number {
  const status = typeof thrown === 'object' && thrown !== null && 'statusCode' in thrown ? thrown.statusCode : undefined;
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status < 500 ? status : 500;
}

function codeOf(thrown: unknown): unknown {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined;
}
