import { describeFound } from './describe-found.ts';

/**
 * Every error that Millrace raises, in one table. `docs/errors.md` has an entry for each code and a test holds the
 * two together. `status` is the HTTP status the server answers with; `retryable` says whether the same call may
 * succeed later without a change by the caller.
 */
export const errorTable = {
  MILL_INVALID_EVENT: { status: 400, retryable: false, title: 'The event is invalid' },
  MILL_INVALID_REQUEST: { status: 400, retryable: false, title: 'The request is invalid' },
  MILL_NOT_JSON: { status: 400, retryable: false, title: 'The body is not JSON' },
  MILL_UNAUTHORIZED: { status: 401, retryable: false, title: 'A token is required' },
  MILL_FORBIDDEN: { status: 403, retryable: false, title: 'The token does not permit this' },
  MILL_CROSS_SITE: { status: 403, retryable: false, title: 'The request came from a page of another origin' },
  MILL_NOT_FOUND: { status: 404, retryable: false, title: 'Not found' },
  MILL_METHOD_NOT_ALLOWED: { status: 405, retryable: false, title: 'Method not allowed' },
  MILL_EVENT_TOO_LATE: { status: 409, retryable: false, title: 'The number of the event was already skipped' },
  MILL_EVENT_TOO_EARLY: { status: 409, retryable: false, title: 'The number of the event is too far ahead' },
  MILL_CONFLICT: { status: 409, retryable: false, title: 'The request conflicts with the current state' },
  MILL_BODY_TOO_LARGE: { status: 413, retryable: false, title: 'The body is too large' },
  MILL_UNSUPPORTED_ENCODING: { status: 415, retryable: false, title: 'The body is compressed' },
  MILL_UNKNOWN_HOST: { status: 421, retryable: false, title: 'The server does not have this host name' },
  MILL_BACKLOG_FULL: { status: 503, retryable: true, title: 'The backlog is full' },
  MILL_KEY_FULL: { status: 503, retryable: true, title: 'Too many events wait for this key' },
  MILL_READS_FULL: { status: 503, retryable: true, title: 'Too many reads are in progress' },
  MILL_READ_TIMEOUT: { status: 503, retryable: true, title: 'A read took too long' },
  MILL_READ_CANCELLED: { status: 503, retryable: true, title: 'A read was cancelled' },
  MILL_VALIDATION_TIMEOUT: { status: 503, retryable: true, title: 'The schema of the event took too long' },
  MILL_MEMORY_FULL: { status: 503, retryable: true, title: 'Memory is used up' },
  MILL_STOPPING: { status: 503, retryable: true, title: 'The engine is stopping' },
  MILL_STORE_UNAVAILABLE: { status: 503, retryable: true, title: 'The store does not answer' },
  MILL_STORE_BUSY: { status: 503, retryable: true, title: 'The store is locked by another program' },
  MILL_STORE_FULL: { status: 503, retryable: true, title: 'The disk is full' },
  MILL_STORE_READ_ONLY: { status: 503, retryable: false, title: 'The store cannot be written' },
  MILL_STORE_CORRUPT: { status: 503, retryable: false, title: 'The store is damaged' },
  MILL_STORE_OWNED: { status: 503, retryable: false, title: 'Another process owns the store' },
  MILL_STORE_MOVED: { status: 503, retryable: false, title: 'The files of the store have moved' },
  MILL_STORE_FENCED: { status: 503, retryable: true, title: 'Another owner has taken over the partition' },
  MILL_STORE_LEASED: { status: 503, retryable: true, title: 'Another engine holds the lease of the partition' },
  MILL_TABLE_CHANGED: { status: 500, retryable: false, title: 'A table cannot be migrated to its declaration' },
  MILL_COMMIT_REFUSED: { status: 500, retryable: false, title: 'The store refused what a handler wrote' },
  MILL_PIPELINE_FAILED: { status: 500, retryable: false, title: 'A function of the pipeline failed' },
  MILL_INVALID_DECLARATION: { status: 500, retryable: false, title: 'A declaration of a pipeline or table is invalid' },
  MILL_INVALID_EFFECT: { status: 500, retryable: false, title: 'A handler requested something impossible' },
  MILL_INVALID_STATE: { status: 500, retryable: false, title: 'A stored state does not fit its pipeline' },
  MILL_HANDLER_TIMEOUT: { status: 500, retryable: true, title: 'A handler took too long' },
  MILL_INVALID_CONFIGURATION: { status: 500, retryable: false, title: 'The configuration is invalid' },
  MILL_INTERNAL: { status: 500, retryable: false, title: 'An unexpected error' },
} as const;

export type ErrorCode = keyof typeof errorTable;

/** One thing wrong with an input: where (`events[3].type`, empty for the whole input) and what. */
export interface Issue {
  readonly path: string;
  readonly message: string;
}

export interface MillraceErrorOptions extends ErrorOptions {
  /** The individual problems with the input, for `MILL_INVALID_…`. */
  readonly issues?: readonly Issue[];
  /** Total number of issues, when `issues` holds only the first of them. */
  readonly issueCount?: number;
  /** The earliest useful retry, for retryable errors. */
  readonly retryAfterMs?: number;
}

/** The one error class: `code` names the entry of {@link errorTable}, `message` says what was expected and found. */
export class MillraceError extends Error {
  override readonly name = 'MillraceError';
  readonly code: ErrorCode;
  readonly issues: readonly Issue[];
  /** Total number of issues in the input; `issues` holds only the first. */
  readonly issueCount: number;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: MillraceErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.issues = options.issues ?? [];
    this.issueCount = options.issueCount ?? this.issues.length;
    this.retryAfterMs = options.retryAfterMs;
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  get retryable(): boolean {
    return errorTable[this.code].retryable;
  }
}

/** Returns the message of anything that was thrown. Always a text, whatever was thrown. */
export function messageOf(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown;
  if (!isError(thrown)) return `expected an Error to be thrown, found ${describeFound(thrown)}`;
  try {
    return typeof thrown.message === 'string' ? thrown.message : describeFound(thrown.message);
  } catch {
    // A proxy or a getter may throw when touched.
    return 'an Error whose message cannot be read';
  }
}

/** Returns whether a value is an Error, including one from another realm. A proxy that throws when inspected is not. */
export function isError(thrown: unknown): thrown is Error {
  return Error.isError(thrown) || isInstance(thrown, Error);
}

/** Returns whether a thrown value is an instance of a class. A proxy that throws when inspected is not. */
export function isInstance<T>(thrown: unknown, type: abstract new (...parameters: never[]) => T): thrown is T {
  try {
    return thrown instanceof type;
  } catch {
    return false;
  }
}
