import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { type Logger, pino } from 'pino';
import * as z from 'zod';
import type { Limits } from '../engine/limits.ts';
import { type Mill, millrace } from '../engine/mill.ts';
import { type AnyPipeline, pipeline } from '../pipeline/pipeline.ts';
import { memory } from '../store/memory/memory-store.ts';
import type { Store } from '../store/store.ts';
import type { AccessOptions } from './access/guard.ts';
import { createServer } from './create-server.ts';
import type { System } from './declared-system.ts';
import { type HttpLimits, httpLimits } from './http-limits.ts';
import type { MillServer } from './mill-server.ts';

/** Counts visits per page. A visit to a page called poison fails permanently, and parks its page. */
export const visits = pipeline('visits', {
  event: z.object({ page: z.string().min(1) }),
  key: (visit) => visit.page,
  state: z.object({ count: z.int() }),
  retry: { attempts: 1 },
  handle(visit, state) {
    if (visit.page.startsWith('poison')) throw new Error(`${visit.page} cannot be visited`);
    return { count: (state?.count ?? 0) + 1 };
  },
});

/** Events in the order of their numbers. */
const numbered = pipeline('numbered', {
  event: z.object({ key: z.string(), number: z.int() }),
  key: (event) => event.key,
  order: { by: (event) => event.number },
  handle: () => undefined,
});

export interface Served {
  readonly url: string;
  readonly mill: Mill;
  readonly server: MillServer;
}

interface ServeOptions {
  readonly routes?: (app: FastifyInstance, mill: Mill) => void;
  readonly pipelines?: readonly AnyPipeline[];
  /** The pipelines of the system with the routes, if these are not all. */
  readonly systemPipelines?: readonly AnyPipeline[];
  readonly store?: Store;
  readonly log?: Logger;
  readonly limits?: Partial<Limits>;
  readonly http?: HttpLimits;
  readonly access?: AccessOptions;
  readonly host?: string;
}

/** A real server over a real engine in memory, gone when the test ends. */
export async function serve(
  t: TestContext,
  {
    routes,
    pipelines = [visits, numbered],
    systemPipelines = pipelines,
    store = memory(),
    log = pino({ level: 'silent' }),
    limits = {},
    http = httpLimits,
    access = {},
    host = '127.0.0.1',
  }: ServeOptions = {},
): Promise<Served> {
  const system: System = {
    name: 'site',
    title: 'Site <b>',
    description: 'Counts the visits of pages.',
    pipelines: systemPipelines,
    ...(routes && { routes }),
  };
  const mill = await millrace({ store, pipelines, limits }).start();
  const server = await createServer({ mill, systems: [system], log, limits: http, access });
  t.after(() => server.stop(1_000));
  return { url: await server.listen({ host, port: 0 }), mill, server };
}

/** Posts a text as it is, or a value as JSON. */
export function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), headers });
}

/**
 * Writes the requests to one connection, each after the answer to the previous one, and returns the answers with their heads. Fails when
 * the connection ends early, or an answer does not give its length.
 */
export async function onOneConnection(url: string, requests: readonly string[]): Promise<readonly string[]> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).setEncoding('latin1');
  const answers: string[] = [];
  try {
    let received = '';
    socket.write(requests[0] ?? '');
    for await (const chunk of socket) {
      received += chunk;
      const [head = '', body] = received.split('\r\n\r\n', 2);
      if (body === undefined) continue;
      const length = /^content-length: (\d+)$/im.exec(head)?.[1];
      if (length === undefined) throw new Error(`expected an answer with a length, found ${head}`);
      if (!requests[answers.length]?.startsWith('HEAD') && body.length < Number(length)) continue;
      answers.push(received);
      if (answers.length === requests.length) return answers;
      received = '';
      socket.write(requests[answers.length] ?? '');
    }
    throw new Error(`expected ${requests.length} answers, found ${answers.length}, then the end of the connection`);
  } finally {
    socket.destroy();
  }
}

/** Sends the text, and resolves to everything received once the server has closed the connection. */
export function exchange(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const { promise, resolve } = Promise.withResolvers<string>();
  let received = '';
  const socket = connect(Number(port), hostname, () => socket.write(text)).setEncoding('latin1');
  // Even a connection that the server breaks off has brought its answer.
  socket.on('data', (chunk) => (received += chunk)).on('error', () => undefined);
  socket.on('close', () => resolve(received));
  return promise;
}

/** Every route of the API description, with a path that can be requested. */
export async function documentedRoutes(url: string): Promise<readonly { readonly method: string; readonly path: string }[]> {
  const { paths } = OpenApi.parse(await (await fetch(`${url}/openapi.json`)).json());
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => ({
      method: method.toUpperCase(),
      path: path.replace('{pipeline}', 'visits').replaceAll(/\{.+?\}/g, 'x'),
    })),
  );
}

const OpenApi = z.looseObject({ paths: z.record(z.string(), z.looseObject({})) });

/** Returns the body of a problem; fails for any other answer. */
export async function problemIn(response: Response): Promise<z.infer<typeof AnyProblem>> {
  const type = response.headers.get('content-type');
  if (type !== 'application/problem+json') throw new Error(`expected a problem, found ${response.status} ${type} ${await response.text()}`);
  const problem = AnyProblem.parse(await response.json());
  if (problem.status !== response.status) throw new Error(`expected the status ${response.status} in the problem, found ${problem.status}`);
  return problem;
}

const AnyProblem = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string().optional(),
  errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
});
