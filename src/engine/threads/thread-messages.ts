import { type ErrorCode, MillraceError } from '../../errors.ts';
import { codeOf, faultOf } from '../../fault.ts';
import type { DeliveryOutcome } from '../../pipeline/endpoint.ts';
import type { Said, TurnSubject } from '../turn.ts';

/** What every thread of a pool is told when it starts. */
export interface ThreadPurpose {
  /** The `file:` URL of the module that exports the pipeline. */
  readonly module: string;
  readonly pipeline: string;
}

/** One attempt, as it goes to a thread. */
export interface AttemptRequest {
  /** Comes back in {@link Begun}. */
  readonly attemptId: number;
  readonly turn: Omit<TurnSubject, 'pipeline' | 'log' | 'span'>;
  readonly work: Work;
  readonly state: unknown;
}

export type Work =
  | { readonly kind: 'event'; readonly event: unknown }
  | { readonly kind: 'timer'; readonly name: string; readonly data: unknown }
  | { readonly kind: 'outcome'; readonly endpoint: string; readonly outcome: DeliveryOutcome };

/** A thread says that it now calls the handler: all that came before was not the handler's time. */
export interface Begun {
  readonly begun: number;
}

/** A thread reports that a promise which a handler left behind has rejected. No attempt waits for it any more. */
export interface LeftBehind {
  readonly leftBehind: SentError;
}

/** What one attempt came to. */
export type AttemptAnswer = { readonly lines: readonly LogLine[] } & (
  | { readonly decided: Said & { readonly next: unknown } }
  | { readonly failed: SentError }
);

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: object;
}

/** An error without its class, which does not survive the way between threads. */
export interface SentError {
  readonly message: string;
  /** Of one of ours. */
  readonly code: ErrorCode | undefined;
  /** With the causes, which do not survive the way either. */
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

/** Returns whether a message is an error that a thread sent. A user's module may send anything. */
export function isSentError(value: unknown): value is SentError {
  return typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string' && 'stack' in value;
}
