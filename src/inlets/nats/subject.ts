import { describeFound } from '../../describe-found.ts';

/**
 * Returns the fault of a subject to publish to; undefined if it is valid. The server itself accepts `*`, `>` and empty tokens, and
 * subscribers could not distinguish them from wildcards.
 */
export function subjectFault(subject: unknown): string | undefined {
  const isRight = typeof subject === 'string' && /^[^\s.*>\0]+(\.[^\s.*>\0]+)*$/u.test(subject);
  return isRight ? undefined : `expected a subject such as orders.paid, without wildcards and spaces, found ${describeFound(subject)}`;
}
