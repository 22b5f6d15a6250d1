import { messageOf } from '../errors.ts';

/** Describes what went wrong on the way to a server, in a few words without secrets: `connect ECONNREFUSED`, `self-signed certificate`. */
export function describeFailure(error: unknown): string {
  // Several addresses were tried; the first failure says enough.
  const cause = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  const code = textOf(cause, 'code');
  const syscall = textOf(cause, 'syscall');
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return 'connect timed out';
  if (syscall !== undefined && code !== undefined) return `${syscall} ${code}`;
  // TLS errors keep a short reason apart from their multi-line message.
  return textOf(cause, 'reason') ?? (messageOf(cause) || (code ?? 'failed'));
}

function textOf(error: unknown, name: string): string | undefined {
  const value: unknown = error instanceof Error ? Reflect.get(error, name) : undefined;
  return typeof value === 'string' ? value : undefined;
}
