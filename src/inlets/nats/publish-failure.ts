import { isError, messageOf } from '../../errors.ts';
import type { Answer } from '../../pipeline/endpoint.ts';

type Failure = Extract<Answer, { readonly result: 'failed' | 'refused' }>;

/** The client's errors if no server has answered. */
const unanswered = ['ConnectionError', 'ClosedConnectionError', 'DrainingConnectionError', 'RequestError', 'TimeoutError'];
/** JSStreamMessageExceedsMaximumErr: the stream accepts no message this large. */
const exceedsMaximum = 10_054;

/**
 * Interprets a failure to publish a message. Checks the client's error names rather than its classes, which only a program that uses NATS
 * has.
 */
export function publishFailure(thrown: unknown, subject: string): Failure {
  const name = nameOf(thrown);
  const reason = messageOf(thrown);
  if (name === 'JetStreamNotEnabled') return { result: 'failed', reason: noStream(subject) };
  if (name === 'InvalidArgumentError') return { result: 'refused', reason };
  if (isError(thrown) && nameOf(thrown.cause) === 'PermissionViolationError') return { result: 'failed', reason };
  if (unanswered.includes(name)) return { result: 'failed', reason: `no server of NATS answers: ${reason}`, isUnanswered: true };
  if (name !== 'JetStreamApiError') return { result: 'failed', reason, cause: thrown };
  const isTooLarge = isError(thrown) && 'code' in thrown && thrown.code === exceedsMaximum;
  return { result: isTooLarge ? 'refused' : 'failed', reason: `the stream took no message of the subject ${subject}: ${reason}` };
}

/** The server only says that nobody responds, which the client takes for a server without JetStream. */
function noStream(subject: string): string {
  return `no stream takes messages of the subject ${subject}: create a stream that has it, or enable JetStream for this account`;
}

function nameOf(thrown: unknown): string {
  return isError(thrown) ? thrown.name : '';
}
