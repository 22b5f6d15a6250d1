import { Pool } from 'undici';

/** The result of a request. `lost`: no complete answer came; its effect is unknown. */
export type Reply = { readonly kind: 'answered'; readonly status: number; readonly body: unknown } | { readonly kind: 'lost' };

/** Client and server are on one machine: anything slower is stuck. */
const answerTimeoutMs = 10_000;
const connectionsMax = 24;

export interface ConnectionOptions {
  /** Time limit for an answer, in milliseconds. */
  readonly answerTimeoutMs?: number;
  /** Maximum number of concurrent requests. */
  readonly connectionsMax?: number;
}

/** Sends requests to the server, whichever of its lives is current. */
export class Connection {
  readonly #pool: Pool;

  constructor(port: number, options: ConnectionOptions = {}) {
    const timeoutMs = options.answerTimeoutMs ?? answerTimeoutMs;
    this.#pool = new Pool(`http://127.0.0.1:${port}`, {
      connections: options.connectionsMax ?? connectionsMax,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      connectTimeout: timeoutMs,
    });
  }

  post(path: string, body: unknown): Promise<Reply> {
    return this.#request('POST', path, JSON.stringify(body));
  }

  get(path: string): Promise<Reply> {
    return this.#request('GET', path);
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }

  async #request(method: 'GET' | 'POST', path: string, body?: string): Promise<Reply> {
    try {
      const response = await this.#pool.request({ method, path, ...(body !== undefined && { body }) });
      return { kind: 'answered', status: response.statusCode, body: await response.body.json() };
    } catch {
      // Refused, reset or cut off: to a client all of these mean no answer.
      return { kind: 'lost' };
    }
  }
}
