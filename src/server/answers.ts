import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { MillraceError } from '../errors.ts';

/** Shorter answers take no more memory than a connection does anyway. */
const smallBytes = 16 * 1024;
/** An answer younger than this counts as being read, in milliseconds. */
const promptMs = 5_000;

/** While a chunk of a stream waits to be read, the next is in memory too. */
const piecesOfStream = 2;

/** Minimum number of streams with room for their first chunks. */
const streamsMin = 16;

interface Unread {
  bytes: number;
  readonly since: number;
  readonly socket: Socket | null;
}

export interface AnswerLimits {
  /** Bytes of all unread answers. */
  readonly bytesMax: number;
  /** Maximum time for which a client may read nothing of an answer. */
  readonly timeoutMs: number;
  /** Interval between checks of the connections. */
  readonly checkMs: number;
}

/**
 * Disconnects clients that do not read their answers: one that reads nothing for long and, when unread answers fill their share of memory,
 * the one that has waited longest.
 */
export class Answers {
  readonly #limits: AnswerLimits;
  #bytes = 0;
  /** The oldest first. */
  readonly #unread = new Set<Unread>();

  constructor(server: Server, limits: AnswerLimits) {
    this.#limits = limits;
    watch(server, limits);
  }

  /** The bytes of all unread answers. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Throws `MILL_MEMORY_FULL` if other answers leave no room for one of this size. */
  checkRoom(bytes: number): void {
    if (bytes < smallBytes) return;
    // A single answer may exceed the total room.
    while (this.#bytes > 0 && this.#bytes + bytes > this.#limits.bytesMax) {
      if (this.#closeOldest()) continue;
      const message = 'the memory for unread answers is full; try again later';
      throw new MillraceError('MILL_MEMORY_FULL', message, { retryAfterMs: 1_000 });
    }
  }

  /** Throws `MILL_MEMORY_FULL` if there is no room for the first chunks of a stream: once begun it can only be cut off. */
  checkRoomForStream(): void {
    this.checkRoom(this.#limits.bytesMax / streamsMin);
  }

  /** Counts an answer until the client has it, or is gone. */
  sending(response: ServerResponse<IncomingMessage>, bytes: number): void {
    if (bytes < smallBytes || response.destroyed) return;
    const unread = this.#add(response, bytes);
    response.on('close', () => this.#release(unread));
  }

  /**
   * Counts an answer of unknown length: the parts written count until the client has them. It can no longer be refused, so beyond the
   * limit its connection is closed.
   */
  streaming(response: ServerResponse<IncomingMessage>): void {
    const write = response.write;
    let unread: Unread | undefined;
    const release = () => {
      if (unread !== undefined) this.#release(unread);
      unread = undefined;
    };
    response.on('drain', release).on('close', release);
    response.write = (...parameters: unknown[]) => {
      const isRead: boolean = Reflect.apply(write, response, parameters);
      if (isRead || response.destroyed) return isRead;
      unread ??= this.#add(response, 0);
      this.#change(unread, piecesOfStream * response.writableLength - unread.bytes);
      this.#keepBound(unread);
      return isRead;
    };
  }

  /** A single answer may exceed the total room. */
  #keepBound(grown: Unread): void {
    while (this.#bytes > this.#limits.bytesMax && this.#bytes > grown.bytes) {
      if (this.#closeOldest()) continue;
      grown.socket?.destroy();
      this.#release(grown);
    }
  }

  #add({ socket, req }: ServerResponse<IncomingMessage>, bytes: number): Unread {
    // An answer that waits for its turn has no socket yet.
    const unread: Unread = { bytes: 0, since: performance.now(), socket: socket ?? req.socket };
    this.#unread.add(unread);
    this.#change(unread, bytes);
    return unread;
  }

  #change(unread: Unread, bytes: number): void {
    unread.bytes += bytes;
    this.#bytes += bytes;
  }

  /** Returns whether an answer had been waiting for long. */
  #closeOldest(): boolean {
    const [oldest] = this.#unread;
    if (oldest === undefined || performance.now() - oldest.since < promptMs) return false;
    oldest.socket?.destroy();
    this.#release(oldest);
    return true;
  }

  #release(unread: Unread): void {
    if (this.#unread.delete(unread)) this.#bytes -= unread.bytes;
  }
}

/**
 * Closes connections whose clients read nothing for long. Node.js's limit for silent sockets counts outgoing bytes as activity; it is set
 * only for connections with something to send, which is rarely the case for long.
 */
function watch(server: Server, { timeoutMs, checkMs }: AnswerLimits): void {
  const sockets = new Set<Socket>();
  const watched = new WeakSet<Socket>();
  // Differs from every other time limit of the socket, to tell it from those of Node.js.
  const ownMs = timeoutMs + 1;
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const look = () => {
    for (const socket of sockets) {
      const isSending = socket.writableLength > 0;
      if (isSending === watched.has(socket)) continue;
      if (isSending) {
        watched.add(socket);
        socket.setTimeout(ownMs);
      } else {
        watched.delete(socket);
        // Node.js may have set its own once the answer was out.
        if (socket.timeout === ownMs) socket.setTimeout(server.timeout);
      }
    }
  };
  const timer = setInterval(look, checkMs).unref();
  server.on('close', () => clearInterval(timer));
}
