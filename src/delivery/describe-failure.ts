import { messageOf } from '../errors.ts';

/** What went wrong on the way to a server, in a few words that name no secret: `connect ECONNREFUSED`, `self-signed certificate`. */
export function describeFailure(error: unknown): string {
  // Several addresses were tried; what happened at the first says enough.
  const cause = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  const code = textOf(cause, 'code');
  const syscall = textOf(cause, 'syscall');
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return 'connect timed out';
  if (syscall !== undefined && code !== undefined) return `${syscall} ${code}`;
  // Errors of TLS have the reason apart from a message of many lines.
  return textOf(cause, 'reason') ?? (messageOf(cause) || (code ?? 'failed'));
}

function textOf(error: unknown, name: string): string | undefined {
  const value: unknown = error instanceof Error ? Reflect.get(error, name) : undefined;
  return typeof value === 'string' ? value : undefined;
}
