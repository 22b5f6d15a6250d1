import type { System } from '../../src/index.ts';
import { rocketsPipeline } from './pipeline.ts';
import { addRoutes } from './routes.ts';

/** The state of every rocket, from telemetry that arrives out of order and more than once. */
export const rockets: System = {
  name: 'rockets',
  title: 'Rockets',
  description: 'The state of every rocket, from messages that arrive out of order and more than once.',
  pipelines: [rocketsPipeline],
  port: 8088,
  routes: addRoutes,
};
