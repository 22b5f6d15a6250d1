import { MillraceError } from '../../../errors.ts';
import type { StoreLogger } from '../../store.ts';

/** What goes to a thread: requests, in order, and at last the word to close. */
export type Message = Request | 'close';

/** Asks a thread to run one of its methods. */
export interface Request {
  readonly id: number;
  readonly method: string;
  readonly parameters: readonly unknown[];
}

/** What comes back. One without a request says how the start went. */
export type Answer = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: SentError };

/** What a thread has to say without being asked, to the logger of whoever started it. */
export interface Notice {
  readonly level: keyof StoreLogger;
  readonly fields: object;
  readonly message: string;
}

/** The id of the answer that is a {@link Notice}. */
export const noticeId = -1;

/** The id of the answer that tells of the start. */
export const startId = 0;

/** An error without its class, which does not survive the way between threads. */
export interface SentError {
  readonly code: MillraceError['code'];
  readonly message: string;
  readonly cause: Error | undefined;
}

export function toSentError({ code, message, cause }: MillraceError): SentError {
  return { code, message, cause: cause instanceof Error ? cause : undefined };
}

export function fromSentError({ code, message, cause }: SentError): MillraceError {
  return new MillraceError(code, message, cause === undefined ? {} : { cause });
}
