import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type LookupFunction, type Server as TcpServer } from 'node:net';
import type { TestContext } from 'node:test';
import type { OutgoingCall } from '../pipeline/endpoint.ts';
import { type HttpTransport, http } from './http.ts';
import type { HttpOptions } from './http-options.ts';

/** A received request. */
export interface Received {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A server, and everything it has received. */
export interface Receiver {
  readonly port: number;
  readonly url: string;
  readonly received: readonly Received[];
  /** Number of connections so far. */
  connections(): number;
}

/** Listens until the test ends, and answers 204 unless told otherwise. */
export async function receive(
  context: TestContext,
  reply: (response: ServerResponse, request: Received) => void = (response) => response.writeHead(204).end(),
  host = '127.0.0.1',
  port = 0,
): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const { method, url, headers } = request;
    const whole = { method, path: url, headers, body: Buffer.concat(await request.toArray()).toString() };
    received.push(whole);
    reply(response, whole);
  });
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { ...(await listen(server, host, port)), received };
}

/** A TCP server that leaves each connection to the test; it does not speak HTTP itself. */
export async function receiveRaw(
  context: TestContext,
  connected: Parameters<typeof createTcpServer>[1] & {},
): Promise<Omit<Receiver, 'received'>> {
  const server = createTcpServer(connected);
  context.after(() => server.close());
  return listen(server, '127.0.0.1', 0);
}

async function listen(server: Server | TcpServer, host: string, port: number) {
  let connections = 0;
  server.on('connection', (socket) => {
    connections += 1;
    // Some tests make the other side drop the connection, which resets this socket.
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => {
    server.listen(port, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('expected a port');
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return { port: address.port, url: `http://${shownHost}:${address.port}`, connections: () => connections };
}

/** A transport that is closed when the test ends. */
export function transport(context: TestContext, options: HttpOptions = {}): HttpTransport {
  const made = http(options);
  context.after(() => made.close?.());
  return made;
}

/** A complete call. */
export function callOf(changes: Partial<OutgoingCall> = {}): OutgoingCall {
  return {
    id: 'order.paid/1',
    pipeline: 'orders',
    endpoint: 'shop',
    key: 'k',
    body: '{"type":"order.paid"}',
    url: undefined,
    attempt: 1,
    askedAt: 0,
    traceparent: undefined,
    ...changes,
  };
}

/** Never aborts. */
export const unhurried: AbortSignal = new AbortController().signal;

/** A resolver that calls `addressesOf` for each look-up and returns its answer. */
export function resolver(addressesOf: (hostname: string) => readonly string[]): LookupFunction {
  return (hostname, options, callback) => {
    const addresses = addressesOf(hostname).map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    const [first] = addresses;
    if (options.all === true) callback(null, addresses);
    else callback(null, first?.address ?? '', first?.family);
  };
}
