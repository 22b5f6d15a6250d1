import { type ErrorCode, MillraceError } from '../../errors.ts';
import { codeOf, faultOf } from '../../fault.ts';
import type { DeliveryOutcome } from '../../pipeline/endpoint.ts';
import type { Said, TurnSubject } from '../turn.ts';

/** The initial data of every thread of a pool. */
export interface ThreadPurpose {
  /** The `file:` URL of the module that exports the pipeline. */
  readonly module: string;
  readonly pipeline: string;
}

/** One attempt, as sent to a thread. */
export interface AttemptRequest {
  /** Returned in {@link Begun}. */
  readonly attemptId: number;
  readonly turn: Omit<TurnSubject, 'pipeline' | 'log' | 'span'>;
  readonly work: Work;
  readonly state: unknown;
}

export type Work =
  | { readonly kind: 'event'; readonly event: unknown }
  | { readonly kind: 'timer'; readonly name: string; readonly data: unknown }
  | { readonly kind: 'outcome'; readonly endpoint: string; readonly outcome: DeliveryOutcome };

/** Sent by a thread when it calls the handler: anything before was not the handler's time. */
export interface Begun {
  readonly begun: number;
}

/** Sent by a thread when a promise left behind by a handler has rejected. No attempt waits for it any more. */
export interface LeftBehind {
  readonly leftBehind: SentError;
}

/** The result of one attempt. */
export type AttemptAnswer = { readonly lines: readonly LogLine[] } & (
  | { readonly decided: Said & { readonly next: unknown } }
  | { readonly failed: SentError }
);

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: object;
}

/** An error without its class, which does not survive the transfer between threads. */
export interface SentError {
  readonly message: string;
  /** The code of one of our own errors. */
  readonly code: ErrorCode | undefined;
  /** Includes the causes, which do not survive the transfer either. */
  readonly stack: string | null;
}

export function toSentError(thrown: unknown): SentError {
  const { reason, stack } = faultOf(thrown);
  return { message: reason, code: codeOf(thrown), stack };
}

export function fromSentError({ message, code, stack }: SentError): Error {
  const error = code === undefined ? new Error(message) : new MillraceError(code, message);
  if (typeof stack === 'string') error.stack = stack;
  return error;
}

/** Returns whether a message is an error sent by a thread. A user's module may send anything. */
export function isSentError(value: unknown): value is SentError {
  return typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string' && 'stack' in value;
}
