import { MillraceError } from '../../errors.ts';
import { brokersOf, type KafkaOptions } from './kafka-options.ts';

/** How long a connection may take, and a request, in milliseconds. */
const timeoutsMs = { connect: 5_000, request: 20_000 };

/**
 * Throws again what the import of the client of Kafka was rejected with; where it is missing that is `MILL_INVALID_CONFIGURATION`. A program that uses Kafka
 * installs the package itself: no declaration of ours may name its types.
 */
export function rethrowMissing(cause: unknown): never {
  const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND';
  if (!isMissing || !cause.message.includes('@platformatic/kafka')) throw cause;
  const message =
    'kafka: expected the package @platformatic/kafka, found that it is not installed. Install it: npm install @platformatic/kafka';
  throw new MillraceError('MILL_INVALID_CONFIGURATION', message, { cause });
}

/** What every client of a cluster is made with. Whoever uses it tries again by itself. */
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

/** What the connections of a client tell. */
interface Connecting {
  on(event: 'connecting', made: (payload: { readonly connection: { on(event: 'error', heard: () => void): unknown } }) => void): unknown;
}

/**
 * Listens to the errors of all connections that a client makes. A broker that ends a connection whose sign-in has failed causes two errors on it, and the
 * client listens to the first alone: the second would end the program. Whoever has called hears of the failure by the call.
 */
export function keepErrors(client: { readonly connections: Connecting }): void {
  client.connections.on('connecting', ({ connection }) => connection.on('error', () => undefined));
}

/** What went wrong, in one line: the client's own message says only that something did. */
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
