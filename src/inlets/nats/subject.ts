import { describeFound } from '../../describe-found.ts';

/**
 * Says what is wrong with a subject to publish to; undefined if nothing is. The server itself takes `*`, `>` and empty tokens, and
 * whoever subscribes could not tell them from wildcards.
 */
export function subjectFault(subject: unknown): string | undefined {
  const isRight = typeof subject === 'string' && /^[^\s.*>\0]+(\.[^\s.*>\0]+)*$/u.test(subject);
  return isRight ? undefined : `expected a subject such as orders.paid, without wildcards and spaces, found ${describeFound(subject)}`;
}
