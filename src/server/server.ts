import type { FastifyInstance } from 'fastify';
import type { Mill } from '../engine/mill.ts';
import { MillraceError, messageOf } from '../errors.ts';
import { ProcessCounts } from '../telemetry/process-counts.ts';
import { checkRoutes } from './access/check-routes.ts';
import { Guard } from './access/guard.ts';
import { isLoopback } from './access/loopback.ts';
import { warnOfUnknownPipelines } from './access/unknown-pipelines.ts';
import { accessRoute } from './access-route.ts';
import { createApp } from './app.ts';
import { auditRoutes } from './audit.ts';
import { concernRoutes } from './concern-routes.ts';
import { deadLetterGroupRoutes } from './dead-letter-groups.ts';
import { deadLetterRoutes } from './dead-letters.ts';
import type { System } from './declared-system.ts';
import { deliveryRoutes } from './deliveries.ts';
import { DirectRoutes } from './direct-routes.ts';
import { documentRoutes } from './documentation.ts';
import { Figures } from './figures/figures.ts';
import { LiveFeed } from './figures/live-feed.ts';
import { fleetRoutes } from './fleet.ts';
import { gapRoutes } from './gaps.ts';
import { Gate } from './gate.ts';
import { httpLimits } from './http-limits.ts';
import { keyRoutes } from './keys.ts';
import { letterOperationRoutes } from './letter-operations.ts';
import { liveRoute } from './live.ts';
import type { Address, MillServer } from './mill-server.ts';
import { observeRoutes } from './observation.ts';
import { operatorRoutes } from './operator.ts';
import { pageRoutes } from './page-routes.ts';
import { pauseRoutes } from './pauses.ts';
import { pipelineRoutes } from './pipelines.ts';
import { boundPipelining } from './pipelining.ts';
import { noQuery } from './query-parameters.ts';
import { scheduleRoutes } from './schedules.ts';
import type { ServerOptions } from './server-options.ts';
import { waitingListRoutes } from './waiting-lists.ts';

/** Creates a server. See `createServer`. */
export async function makeServer(options: ServerOptions): Promise<MillServer> {
  const { mill, systems, log, counts = new ProcessCounts(), access = {} } = options;
  const limits = { ...httpLimits, ...options.limits };
  const { app, ...underWay } = createApp(log, limits);
  const guard = new Guard(access, log);
  const gate = new Gate(app, guard);
  // Debug logging hooks every request, so none may bypass Fastify.
  if (!log.isLevelEnabled('debug')) new DirectRoutes(app, { gate, log, ...underWay, bodyBytesMax: limits.bodyBytes });
  boundPipelining(app.server);
  const served = [...mill.pipelines.keys()];
  checkRoutes(app, served);
  access.tokens?.onChange((tokens) => warnOfUnknownPipelines(tokens, served, log));
  await documentRoutes(app, { systems, log, asksForTokens: guard.asksForTokens });
  await pageRoutes(app);
  const figures = new Figures(mill);
  const live = new LiveFeed(mill, figures);
  for (const system of systems) await addSystem(app, system, { mill, log });
  await app.register(async (scope) => {
    scope.addHook('onRoute', (route) => {
      route.schema = { ...route.schema, querystring: route.schema?.querystring ?? noQuery };
    });
    observeRoutes(scope, { mill, gate, guard, processCounts: counts });
    fleetRoutes(scope, mill);
    operatorRoutes(scope, mill);
    pipelineRoutes(scope, mill, figures);
    concernRoutes(scope, mill, figures);
    liveRoute(scope, live);
    accessRoute(scope, guard);
    scheduleRoutes(scope, mill);
    deliveryRoutes(scope, mill);
    waitingListRoutes(scope, mill);
    pauseRoutes(scope, mill);
    deadLetterRoutes(scope, mill);
    deadLetterGroupRoutes(scope, mill);
    letterOperationRoutes(scope, mill);
    gapRoutes(scope, mill);
    keyRoutes(scope, mill);
    auditRoutes(scope, mill);
  });
  await app.ready();
  return new HttpServer(app, { gate, guard, mill, figures, live });
}

interface ServerParts {
  readonly gate: Gate;
  readonly guard: Guard;
  readonly mill: Mill;
  readonly figures: Figures;
  readonly live: LiveFeed;
}

class HttpServer implements MillServer {
  readonly #app: FastifyInstance;
  readonly #gate: Gate;
  readonly #guard: Guard;
  readonly #mill: Mill;
  readonly #figures: Figures;
  readonly #live: LiveFeed;
  #stopped: Promise<void> | undefined;

  constructor(app: FastifyInstance, { gate, guard, mill, figures, live }: ServerParts) {
    this.#app = app;
    this.#figures = figures;
    this.#live = live;
    this.#gate = gate;
    this.#guard = guard;
    this.#mill = mill;
  }

  async listen({ host, port }: Address): Promise<string> {
    const { mayListenAnywhere, hosts } = this.#guard;
    hosts.add(host);
    try {
      if (!mayListenAnywhere && !(await isLoopback(host))) throw new MillraceError('MILL_INVALID_CONFIGURATION', unlocked(host));
      await this.#app.listen({ host, port });
    } catch (error) {
      if (error instanceof MillraceError) throw error;
      throw new MillraceError('MILL_INVALID_CONFIGURATION', `cannot listen on ${authorityOf(host, port)}: ${reasonOf(error)}`, {
        cause: error,
      });
    }
    const bound = this.#app.addresses()[0];
    return `http://${authorityOf(host, typeof bound === 'object' ? bound.port : port)}`;
  }

  stop(timeoutMs: number): Promise<void> {
    this.#stopped ??= this.#stop(timeoutMs);
    return this.#stopped;
  }

  async #stop(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    this.#live.stop();
    this.#figures.stop();
    try {
      await within(timeoutMs / 2, this.#gate.close());
      const leftMs = Math.max(0, deadline - performance.now());
      await within(leftMs, this.#mill.stop({ timeoutMs: leftMs }));
    } finally {
      await this.#app.close();
    }
  }
}

/** Adds a system's routes in their own scope, so that its hooks affect no others. */
async function addSystem(app: FastifyInstance, system: System, { mill, log }: Pick<ServerOptions, 'mill' | 'log'>): Promise<void> {
  const names = system.pipelines.map(({ name }) => name);
  await app.register(async (scope) => {
    scope.log = log;
    scope.addHook('onRoute', (route) => {
      route.schema = { ...route.schema, tags: route.schema?.tags ?? [system.name] };
      route.config = { pipelines: names.length > 0 ? names : 'all', ...route.config };
    });
    await system.routes?.(scope, mill);
  });
}

function unlocked(host: string): string {
  const rule = `${host} is not a loopback address, and anyone who can reach it could do anything`;
  return `${rule}: set MILLRACE_TOKENS to tokens created by millrace token, or pass --open to allow it`;
}

function authorityOf(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use by another program',
  EACCES: 'this user may not use the port',
  EADDRNOTAVAIL: 'the host is not an address of this machine',
  ENOTFOUND: 'the host is unknown',
  EAI_AGAIN: 'the host is unknown',
};

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return reasons[code] ?? messageOf(error);
}

/** Waits for the work up to a time limit. */
async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  const timeout = Promise.withResolvers<void>();
  const timer = setTimeout(timeout.resolve, timeoutMs);
  try {
    await Promise.race([work, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}
