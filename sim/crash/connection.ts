import { Pool } from 'undici';

/** What a request came to. `lost`: no answer came, or none that was whole; nobody knows what became of it. */
export type Reply = { readonly kind: 'answered'; readonly status: number; readonly body: unknown } | { readonly kind: 'lost' };

/** Client and server are on one machine: what takes longer than this is stuck. */
const answerTimeoutMs = 10_000;
const connectionsMax = 24;

export interface ConnectionOptions {
  /** How long an answer is waited for, in milliseconds. */
  readonly answerTimeoutMs?: number;
  /** Requests under way at once. */
  readonly connectionsMax?: number;
}

/** Requests to the server, whichever of its lives is under way. */
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
      // Refused, reset, cut off: to a client these are the same, it has no answer.
      return { kind: 'lost' };
    }
  }
}
