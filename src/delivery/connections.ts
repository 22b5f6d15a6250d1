import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { buildConnector, type Dispatcher } from 'undici';
import { type AddressGuard, AddressRefused } from './address-guard.ts';
import { lookUpDirectly } from './look-up.ts';
import { witnessedAgent } from './status-witness.ts';

export interface ConnectionOptions {
  /** Judges every address before anything is sent to it. Undefined: all may be called. */
  readonly guard: AddressGuard | undefined;
  readonly lookup: LookupFunction | undefined;
}

const connectTimeoutMs = 10_000;

/** The handling of idle connections. */
interface Keeping {
  /** Upper limit, whatever the other side allows. In milliseconds. */
  readonly keepAliveMaxTimeout: number;
  /** Number of connections, busy or idle, beyond which none is kept. */
  readonly keptMax: number;
}

/** For one server, which the operator chose. */
const trustedKeeping: Keeping = { keepAliveMaxTimeout: 600_000, keptMax: Number.POSITIVE_INFINITY };
/** For any number of servers, each of which could keep its connection open for ever. */
const guardedKeeping: Keeping = { keepAliveMaxTimeout: 4_000, keptMax: 64 };

/** Connections to any number of servers. */
export interface Connections {
  readonly dispatcher: Dispatcher;
  /** True if the operator chose the address; false if it came from data. */
  readonly isTrusted: boolean;
  /** True if so many are open that another should not be kept. */
  readonly isFull: boolean;
  /** Closes all connections, including those still being made. Call it once nothing is under way. */
  close(): Promise<void>;
}

/**
 * Makes reusable keep-alive connections that limit only the time for connecting: a call ends by its signal. Uses HTTP/1.1, so that a broken
 * connection breaks only one call.
 */
export function connections({ guard, lookup }: ConnectionOptions): Connections {
  const closing = new AbortController();
  const options = { timeout: connectTimeoutMs, allowH2: false, signal: closing.signal, ...(lookup === undefined ? {} : { lookup }) };
  const connect = guard === undefined ? buildConnector(options) : guardedConnector(guard, options, lookup ?? lookUpDirectly());
  const { keptMax, keepAliveMaxTimeout } = guard === undefined ? trustedKeeping : guardedKeeping;
  const open = new Set<Socket>();
  const counted: buildConnector.connector = (target, callback) => connect(target, (...made) => callback(...count(open, made)));
  const dispatcher = witnessedAgent({ connect: counted, allowH2: false, headersTimeout: 0, bodyTimeout: 0, keepAliveMaxTimeout });
  return {
    dispatcher,
    isTrusted: guard === undefined,
    get isFull() {
      return open.size >= keptMax;
    },
    async close() {
      const ended = dispatcher.destroy();
      closing.abort();
      await ended;
    },
  };
}

/** Counts a connection while it is open. */
function count(open: Set<Socket>, made: buildConnector.CallbackArgs): buildConnector.CallbackArgs {
  const [error, socket] = made;
  if (error === null && socket !== null && !socket.destroyed) {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  }
  return made;
}

/**
 * Connects only where the guard allows. It judges the very address to be connected to: the one in the URL; each one a look-up returns,
 * dropping refused ones, so that changing DNS answers gain nothing; and once more the address at the other end, before the first byte is
 * written.
 */
function guardedConnector(guard: AddressGuard, options: buildConnector.BuildOptions, lookup: LookupFunction): buildConnector.connector {
  const connectPlain = buildConnector({ ...options, lookup: guardedLookup(guard, lookup) });
  const connectSecurely = buildConnector(options);
  return (target, callback) => {
    const { hostname, protocol, servername: _, ...rest } = target;
    const fault = isIP(hostname) === 0 ? undefined : guard.faultOf(hostname);
    if (fault !== undefined) return queueMicrotask(() => callback(refusal(hostname, fault), null));
    const port = target.port || (protocol === 'https:' ? '443' : '80');
    // The server's name is needed for TLS, which begins once the other end is known.
    connectPlain({ ...rest, hostname, port, protocol: 'http:' }, (error, socket) => {
      if (error !== null) return callback(error, null);
      const reason = faultOfPeer(guard, socket);
      if (reason !== undefined) {
        socket.destroy();
        return callback(reason, null);
      }
      if (protocol === 'https:') connectSecurely({ ...target, httpSocket: socket }, callback);
      else callback(null, socket);
    });
  };
}

function faultOfPeer(guard: AddressGuard, { remoteAddress }: Socket): Error | undefined {
  if (remoteAddress === undefined) return new Error('the other side closed the connection');
  const fault = guard.faultOf(remoteAddress);
  return fault === undefined ? undefined : refusal(remoteAddress, fault);
}

/** Returns the addresses of a name that the guard allows, and fails if there are none. */
function guardedLookup(guard: AddressGuard, lookup: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found, family) => {
      if (error !== null) return callback(error, []);
      const addresses: readonly LookupAddress[] = typeof found === 'string' ? [{ address: found, family: family ?? isIP(found) }] : found;
      const judged = addresses.map((one) => ({ ...one, fault: guard.faultOf(one.address) }));
      const [first, ...others] = judged.filter(({ fault }) => fault === undefined).map(({ address, family }) => ({ address, family }));
      if (first === undefined) return callback(noneOf(hostname, judged), []);
      if (options.all === true) return callback(null, [first, ...others]);
      callback(null, first.address, first.family);
    });
  };
}

function noneOf(hostname: string, [first]: readonly { readonly address: string; readonly fault: string | undefined }[]): Error {
  if (first === undefined) return new Error(`${hostname} has no address`);
  return refusal(`${first.address} for ${hostname}`, first.fault ?? 'unknown');
}

function refusal(found: string, fault: string): AddressRefused {
  return new AddressRefused(`expected an Internet address, found ${found} (${fault})`);
}
