import { MillraceError } from '../../../errors.ts';
import type { StoreLogger } from '../../store.ts';

/** Messages to a thread: requests, in order, and finally the order to close. */
export type Message = Request | 'close';

/** Asks a thread to run one of its methods. */
export interface Request {
  readonly id: number;
  readonly method: string;
  readonly parameters: readonly unknown[];
}

/** Messages from a thread. One without a request reports the result of the start. */
export type Answer = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: SentError };

/** An unsolicited message from a thread, for the logger of whoever started it. */
export interface Notice {
  readonly level: keyof StoreLogger;
  readonly fields: object;
  readonly message: string;
}

/** The id of an answer that is a {@link Notice}. */
export const noticeId = -1;

/** The id of the answer to the start. */
export const startId = 0;

/** An error without its class, which does not survive the transfer between threads. */
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
