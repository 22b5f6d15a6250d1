import { system } from '../../src/server/index.ts';
import { webhookSettings } from './explosions.ts';
import { rocketsPipeline } from './pipeline.ts';
import { addRoutes } from './routes.ts';

/** The state of every rocket, from telemetry that arrives out of order and more than once. */
export const rockets = system({
  name: 'rockets',
  title: 'Rockets',
  description: 'The state of every rocket, from messages that arrive out of order and more than once.',
  port: 8088,
  settings: webhookSettings,
  build: (webhook) => ({ pipelines: [rocketsPipeline(webhook)], routes: addRoutes }),
});
