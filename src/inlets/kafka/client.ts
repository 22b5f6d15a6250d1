import { MillraceError } from '../../errors.ts';
import { brokersOf, type KafkaOptions } from './kafka-options.ts';

/** Time limits for a connection and a request, in milliseconds. */
const timeoutsMs = { connect: 5_000, request: 20_000 };

/**
 * Rethrows a failed import of the Kafka client, as `MILL_INVALID_CONFIGURATION` if it is missing. A program that uses Kafka installs the
 * package itself: none of our declarations may name its types.
 */
export function rethrowMissing(cause: unknown): never {
  const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND';
  if (!isMissing || !cause.message.includes('@platformatic/kafka')) throw cause;
  const message =
    'kafka: expected the package @platformatic/kafka, found that it is not installed. Install it: npm install @platformatic/kafka';
  throw new MillraceError('MILL_INVALID_CONFIGURATION', message, { cause });
}

/** The common options of all clients of a cluster. Their users retry by themselves. */
export function clientOptions(options: KafkaOptions) {
  const { clientId = 'millrace', tls, sasl } = options;
  return {
    clientId,
    bootstrapBrokers: brokersOf(options),
    connectTimeout: timeoutsMs.connect,
    requestTimeout: timeoutsMs.request,
    timeout: timeoutsMs.request,
    retries: 0,
    autocreateTopics: false,
    ...(tls !== undefined && tls !== false && { tls: tls === true ? {} : tls, tlsServerName: true }),
    ...(sasl !== undefined && { sasl }),
  };
}

/** The error events of a client's connections. */
interface Connecting {
  on(event: 'connecting', made: (payload: { readonly connection: { on(event: 'error', heard: () => void): unknown } }) => void): unknown;
}

/**
 * Listens to errors on all connections that a client makes. A broker that closes a connection after a failed sign-in causes two errors on
 * it, and the client handles only the first: the second would end the program. Callers learn of the failure from their call.
 */
export function keepErrors(client: { readonly connections: Connecting }): void {
  client.connections.on('connecting', ({ connection }) => connection.on('error', () => undefined));
}

/** Describes a failure in one line: the client's own message only says that there was one. */
export function reasonOf(thrown: unknown): string {
  const reasons = new Set<string>();
  const add = (error: unknown): void => {
    if (!(error instanceof Error)) return;
    if (error instanceof AggregateError) for (const one of error.errors) add(one);
    else reasons.add(error.message);
    add(error.cause);
  };
  add(thrown);
  if (reasons.size === 0) reasons.add(thrown instanceof Error ? thrown.message : String(thrown));
  return Array.from(reasons).join(': ');
}
