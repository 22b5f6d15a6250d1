import { hash } from 'node:crypto';
import type { FastifyInstance, RouteOptions } from 'fastify';
import type { Mill } from '../engine/mill.ts';
import { findConcerns } from './concerns.ts';
import type { System } from './declared-system.ts';
import { homePage, type ServedRoute } from './home-page.ts';
import { homeStyle } from './home-style.ts';
import { pathsOf } from './pipeline-documentation.ts';

/** The page loads nothing at all. Its style is inline, and no other style is. */
const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${hash('sha256', homeStyle, 'base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Adds `GET /`, a page that says what runs here. To be called before other routes are added, for it collects them. */
export function homeRoute(app: FastifyInstance, mill: Mill, systems: readonly System[]): void {
  const routes: RouteOptions[] = [];
  app.get('/', { schema: { hide: true } }, async (_request, reply) => {
    const { status, reason } = mill.health();
    const fault = status === 'ok' ? undefined : (reason ?? 'no progress');
    reply.type('text/html; charset=utf-8').header('content-security-policy', contentSecurityPolicy);
    const served = routes.flatMap(toServed);
    return homePage({
      systems,
      routes: [...served, ...routesOfPipelines(systems, served)],
      counts: mill.counts(),
      concerns: await findConcerns(mill),
      fault,
    });
  });
  app.addHook('onRoute', (route) => {
    if (route.schema?.hide !== true) routes.push(route);
  });
}

/** Read when the page is asked for: the scopes add their tags after the route was collected. */
function toServed({ method, url, schema }: RouteOptions): ServedRoute[] {
  const methods = [method].flat().filter((one) => one !== 'HEAD');
  return methods.map((one) => ({ method: one, url, tag: schema?.tags?.[0], summary: schema?.summary ?? '' }));
}

/** For a system that adds no routes, those that its pipelines have by themselves: otherwise its section would be empty. */
function routesOfPipelines(systems: readonly System[], served: readonly ServedRoute[]): readonly ServedRoute[] {
  const bare = systems.filter(({ routes }) => routes === undefined);
  return bare.flatMap(({ name, pipelines }) =>
    pipelines.flatMap(pathsOf).flatMap(({ generic, own }) => {
      return served.filter(({ url }) => url === generic).map((route) => ({ ...route, url: own, tag: name }));
    }),
  );
}
