import { request } from 'node:http';
import type { Answer } from './answers.ts';

/** A server from its clients' view. */
export interface Server {
  readonly port: number;
  /** The required `Authorization`; undefined if none is required. */
  readonly authorization?: string | undefined;
}

/** A well-behaved client's request. */
export interface Question {
  readonly method: string;
  readonly target: string;
  readonly json?: unknown;
  readonly timeoutMs: number;
}

export interface Told extends Answer {
  readonly elapsedMs: number;
}

/** Makes a request on its own connection, as any client would. Throws if there is no answer in time. */
export function ask({ port, authorization }: Server, { method, target, json, timeoutMs }: Question): Promise<Told> {
  const startedAt = performance.now();
  const { promise, resolve, reject } = Promise.withResolvers<Told>();
  const signal = AbortSignal.timeout(timeoutMs);
  const asking = request({ host: '127.0.0.1', port, method, path: target, agent: false, signal }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () => {
      const headers = new Map(Object.entries(response.headers).map(([name, value]) => [name, String(value)]));
      resolve({ status: response.statusCode ?? 0, headers, body: Buffer.concat(chunks), elapsedMs: performance.now() - startedAt });
    });
  });
  asking.on('error', reject);
  if (authorization !== undefined) asking.setHeader('authorization', authorization);
  if (json === undefined) asking.end();
  else asking.setHeader('content-type', 'application/json').end(JSON.stringify(json));
  return promise;
}
