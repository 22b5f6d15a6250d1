import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { MillraceError } from '../errors.ts';

/** Answers that are shorter take up what a connection takes up anyway. */
const smallBytes = 16 * 1024;
/** Until then an answer counts as one that is being read, in milliseconds. */
const promptMs = 5_000;

/** While a piece of a stream waits to be read, the next is in memory too. */
const piecesOfStream = 2;

/** Streams for whose first pieces there is room, at least. */
const streamsMin = 16;

interface Unread {
  bytes: number;
  readonly since: number;
  readonly socket: Socket | null;
}

export interface AnswerLimits {
  /** Bytes of all answers that wait to be read. */
  readonly bytesMax: number;
  /** For how long a client may read nothing of an answer. */
  readonly timeoutMs: number;
  /** How often connections are looked at. */
  readonly checkMs: number;
}

/**
 * Lets go of clients that do not read their answers: of one that reads nothing for long, and, when the answers that wait take up all
 * the memory there is for them, of the one that has waited longest.
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

  /** The bytes of all answers that wait to be read. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Throws `MILL_MEMORY_FULL` when there is no room for an answer of so many bytes, since others are being read. */
  checkRoom(bytes: number): void {
    if (bytes < smallBytes) return;
    // One answer may be larger than all that there is room for.
    while (this.#bytes > 0 && this.#bytes + bytes > this.#limits.bytesMax) {
      if (this.#closeOldest()) continue;
      const message = 'expected fewer answers to wait for their readers, found as many bytes of them as there is memory for';
      throw new MillraceError('MILL_MEMORY_FULL', message, { retryAfterMs: 1_000 });
    }
  }

  /** Throws `MILL_MEMORY_FULL` when there is no room for the first pieces of a stream: once it has begun it can only be broken off. */
  checkRoomForStream(): void {
    this.checkRoom(this.#limits.bytesMax / streamsMin);
  }

  /** An answer of so many bytes is on its way; it counts until the client has it, or is gone. */
  sending(response: ServerResponse<IncomingMessage>, bytes: number): void {
    if (bytes < smallBytes || response.destroyed) return;
    const unread = this.#add(response, bytes);
    response.on('close', () => this.#release(unread));
  }

  /**
   * An answer is on its way of which nobody knows the length. What was written of it counts until the client has it; it cannot be refused
   * any more, so beyond the bound its connection is closed.
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

  /** One answer may be larger than all that there is room for. */
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

  /** Whether there was one that waits for long. */
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
 * Closes connections whose clients read nothing for long. Node.js has a time limit for silent sockets which takes bytes that go out for a sign of
 * life; it is set for the connections that have something to send, which hardly any has for long.
 */
function watch(server: Server, { timeoutMs, checkMs }: AnswerLimits): void {
  const sockets = new Set<Socket>();
  const watched = new WeakSet<Socket>();
  // Unlike any other time limit of the socket, so that it can be told from those of Node.js.
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
        // Once the answer was out Node.js may have set its own.
        if (socket.timeout === ownMs) socket.setTimeout(server.timeout);
      }
    }
  };
  const timer = setInterval(look, checkMs).unref();
  server.on('close', () => clearInterval(timer));
}
