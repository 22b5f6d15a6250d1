import type { Socket } from 'node:net';
import { Agent, type buildConnector, Client, type Dispatcher, Pool } from 'undici';

/** Bytes of a response head to look at. A client gives up on a longer head first. */
const headBytesMax = 64 * 1024;

/**
 * Captures a response's status as soon as its status line arrives. A client reports a response only once it has all headers; if they break
 * off, never end or are too many, the other side may still have received the call, and its status says so. Travels with a request as its
 * `opaque`.
 */
export class StatusWitness {
  #head = '';
  #status: number | undefined;

  /** Undefined until one has arrived. */
  get status(): number | undefined {
    return this.#status;
  }

  /** Takes in more of the response. */
  see(bytes: Buffer): void {
    if (this.#status !== undefined || this.#head.length > headBytesMax) return;
    this.#head += bytes.toString('latin1');
    // Interim responses precede the final one.
    while (/^HTTP\/1\.\d 1\d\d/.test(this.#head)) {
      const end = this.#head.indexOf('\r\n\r\n');
      if (end === -1) return;
      this.#head = this.#head.slice(end + 4);
    }
    const [, status] = /^HTTP\/1\.\d ([2-9]\d\d)/.exec(this.#head) ?? [];
    if (status !== undefined) this.#status = Number(status);
  }
}

/** An agent whose requests may carry a {@link StatusWitness} as their `opaque`. */
export function witnessedAgent(options: Agent.Options): Agent {
  const clientOf = (origin: URL, own: Client.Options) => new WitnessedClient(origin, own);
  return new Agent({ ...options, factory: (origin, own) => new Pool(origin, { ...own, factory: clientOf }) });
}

/** A connection. Its pool gives it one request at a time, so incoming data belongs to the last one. */
class WitnessedClient extends Client {
  #witness: StatusWitness | undefined;

  constructor(origin: URL, { connect, ...options }: Client.Options) {
    if (typeof connect !== 'function') throw new TypeError(`expected a connector, found ${typeof connect}`);
    const witnessed: buildConnector.connector = (target, callback) =>
      connect(target, (...made: buildConnector.CallbackArgs) => {
        const [error, socket] = made;
        if (error !== null || socket === null) return callback(...made);
        watch(socket, (bytes) => this.#witness?.see(bytes));
        callback(null, socket);
      });
    super(origin, { ...options, connect: witnessed });
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const witness: unknown = Reflect.get(options, 'opaque');
    this.#witness = witness instanceof StatusWitness ? witness : undefined;
    return super.dispatch(options, handler);
  }
}

/** Taps the socket without reading it: the client must remain its only reader. */
function watch(socket: Socket, see: (bytes: Buffer) => void): void {
  const read = socket.read.bind(socket);
  socket.read = (size) => {
    const bytes: unknown = read(size);
    if (Buffer.isBuffer(bytes)) see(bytes);
    return bytes;
  };
}
