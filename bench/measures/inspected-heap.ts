import { once } from 'node:events';
import { createServer } from 'node:net';

const mebibyte = 1024 * 1024;

/** The heap of another Node.js process, as its inspector reports it. */
export class InspectedHeap {
  /** Options with which to start the process. */
  readonly nodeOptions: readonly string[];
  readonly #port: number;
  #socket: WebSocket | undefined;
  #calls = 0;

  private constructor(port: number) {
    this.#port = port;
    this.nodeOptions = [`--inspect=127.0.0.1:${port}`, '--inspect-publish-uid=http'];
  }

  /** Chooses a free port for the inspector. */
  static async prepare(): Promise<InspectedHeap> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    server.close();
    await once(server, 'close');
    if (address === null || typeof address === 'string') throw new Error('expected a port');
    return new InspectedHeap(address.port);
  }

  /** Returns the heap of the main thread after a garbage collection, in MiB. */
  async used(): Promise<number> {
    this.#socket ??= await this.#connect();
    await this.#call(this.#socket, 'HeapProfiler.collectGarbage');
    const { usedSize } = (await this.#call(this.#socket, 'Runtime.getHeapUsage')) as { usedSize: number };
    return usedSize / mebibyte;
  }

  close(): void {
    this.#socket?.close();
  }

  async #connect(): Promise<WebSocket> {
    const answer = await fetch(`http://127.0.0.1:${this.#port}/json/list`);
    const [target] = (await answer.json()) as readonly { webSocketDebuggerUrl: string }[];
    if (target === undefined) throw new Error('the inspector has no target');
    const socket = new WebSocket(target.webSocketDebuggerUrl);
    await once(socket, 'open');
    return socket;
  }

  async #call(socket: WebSocket, method: string): Promise<unknown> {
    this.#calls += 1;
    const id = this.#calls;
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const received = ({ data }: MessageEvent) => {
      const message: { id?: number; result?: unknown } = JSON.parse(String(data));
      if (message.id === id) resolve(message.result);
    };
    socket.addEventListener('message', received);
    socket.send(JSON.stringify({ id, method }));
    const result = await promise;
    socket.removeEventListener('message', received);
    return result;
  }
}
