import type { FastifyInstance, RouteOptions } from 'fastify';
import { nearestName } from '../../pipeline/nearest-name.ts';
import { Place } from '../../pipeline/place.ts';
import { roles } from './role.ts';

const accesses = [...roles, 'open'];

/**
 * Checks the access settings in the `config` of each route of an app, once the app is ready, as hooks have left them. An invalid word would
 * silently close the route to everyone. Throws `MILL_INVALID_DECLARATION` with the nearest name.
 *
 * @param pipelines the names of the served pipelines
 */
export function checkRoutes(app: FastifyInstance, pipelines: readonly string[]): void {
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => void routes.push(route));
  app.addHook('onReady', (done) => {
    for (const route of routes) checkRoute(route, pipelines);
    done();
  });
}

function checkRoute({ method, url, config = {} }: RouteOptions, known: readonly string[]): void {
  const place = new Place(`route ${[method].flat().join(' or ')} ${url}`, 'MILL_INVALID_DECLARATION').at('config');
  const { access, pipelines } = config;
  if (access !== undefined) checkName(access, accesses, place.at('access'));
  if (pipelines === undefined || pipelines === 'all') return;
  if (!Array.isArray(pipelines)) place.at('pipelines').expected("an array of names, or 'all'", pipelines);
  for (const [index, name] of pipelines.entries()) checkName(name, known, place.at('pipelines').at(index));
}

function checkName(name: unknown, known: readonly string[], place: Place): void {
  if (known.some((one) => one === name)) return;
  const near = typeof name === 'string' ? nearestName(name, known) : undefined;
  place.expected(`${known.join(', ')}${near === undefined ? '' : ` (did you mean ${near}?)`}`, name);
}
