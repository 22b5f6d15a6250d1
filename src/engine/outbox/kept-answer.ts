import { describeFound, describeKind } from '../../describe-found.ts';
import { faultOf, reasonLengthMax, stackOf } from '../../fault.ts';
import type { Answer } from '../../pipeline/endpoint.ts';
import { toStorableText } from '../../pipeline/text.ts';

/** The longest pause a transport can request before it is asked again. In milliseconds. */
const retryAfterMsMax = 24 * 60 * 60 * 1000;

type Kept<T> = T extends unknown ? Omit<T, 'cause'> & { readonly stack?: string | null } : never;

/** An answer whose `cause` has become its `stack`, as text; null or absent if nothing was thrown. */
export type KeptAnswer = Kept<Answer>;

/** The result of a call, and its duration in milliseconds of elapsed time. */
export type MadeCall = KeptAnswer & { readonly durationMs: number };

const results: ReadonlySet<unknown> = new Set<Answer['result']>(['delivered', 'unknown', 'refused', 'failed', 'postponed']);

/**
 * Returns a transport's answer as the engine keeps it: an immutable JSON copy. A transport may be a user's, without types. Since the call
 * was made, its result stands whatever the rest of the answer looks like, and without a valid result it is unknown. `warn` is called for
 * parts that are dropped.
 */
export function keptAnswer(answer: Answer | undefined, warn: (fault: string) => void): KeptAnswer {
  try {
    return kept(answer, warn);
  } catch (error) {
    // A getter or a proxy that throws when touched.
    return { result: 'unknown', reason: reasonOf(`the answer cannot be read: ${faultOf(error).reason}`) };
  }
}

function kept(answer: Answer | undefined, warn: (fault: string) => void): KeptAnswer {
  const result = answer?.result;
  if (answer === undefined || !results.has(result)) {
    return { result: 'unknown', reason: `expected an answer of ${[...results].join(', ')}, found ${describeFound(result)}` };
  }
  if (answer.result === 'postponed') {
    const { retryAfterMs } = answer;
    if (isPause(retryAfterMs)) return { result: 'postponed', reason: reasonOf(answer.reason), retryAfterMs: bounded(retryAfterMs) };
    return { result: 'failed', reason: noPause(retryAfterMs) };
  }
  const kept = jsonOf(answer);
  if (kept === undefined) warn('expected an answer as JSON, found something else: null is kept instead');
  const copy = kept === undefined ? { answer: null } : kept;
  if (answer.result === 'delivered') return { result: 'delivered', ...copy };
  const reason = reasonOf(answer.reason);
  const said = { reason, ...copy, stack: answer.cause === undefined ? null : stackOf(answer.cause) };
  if (answer.result !== 'failed') return { result: answer.result, ...said };
  const { retryAfterMs } = answer;
  const failed = { result: answer.result, ...said, isUnanswered: answer.isUnanswered === true };
  if (retryAfterMs === undefined) return failed;
  if (!isPause(retryAfterMs)) return { ...failed, reason: noPause(retryAfterMs) };
  return { ...failed, retryAfterMs: bounded(retryAfterMs) };
}

/** Converts like JSON: a moment to a text, a class instance to its own fields, NaN to null. Undefined if JSON cannot write it. */
function jsonOf(answered: { readonly answer?: unknown }): { readonly answer: unknown } | undefined {
  try {
    const json = JSON.stringify(answered.answer ?? null);
    return json === undefined ? undefined : { answer: JSON.parse(json) };
  } catch {
    return undefined;
  }
}

function isPause(retryAfterMs: unknown): retryAfterMs is number {
  return typeof retryAfterMs === 'number' && retryAfterMs >= 0;
}

function noPause(found: unknown): string {
  return `retryAfterMs: expected milliseconds from 0, found ${describeFound(found)}`;
}

function bounded(retryAfterMs: number): number {
  return Math.min(Math.round(retryAfterMs), retryAfterMsMax);
}

/** Returns a reason for logs, dead letters and the key: a text of bounded length that every store can hold. */
function reasonOf(reason: unknown): string {
  const text =
    typeof reason === 'string' && reason !== ''
      ? reason
      : `expected a reason, found ${reason === '' ? describeKind(reason) : describeFound(reason)}`;
  return toStorableText(text, reasonLengthMax);
}
