import type { Pipeline } from '../../src/index.ts';
import { system } from '../../src/server/index.ts';
import { RedisCache } from './cache.ts';
import { messagesPipeline } from './pipeline.ts';
import { smsProvider } from './provider.ts';
import { addMessageRoutes } from './routes.ts';
import { sandboxProvider } from './sandbox.ts';
import { addSchedulerRoutes } from './scheduler-routes.ts';
import { type MessagesConfiguration, redisPlace, settings } from './settings.ts';

/** Sends the rows of a table to an SMS provider, in one batch per interval. */
export const messages = system({
  name: 'messages',
  title: 'Messages',
  description: 'Sends the rows of a table to an SMS provider: a batch every interval, each row once, retried with backoff.',
  settings,
  build: (configuration) => ({
    pipelines: [pipelineOf(configuration)],
    routes(app, mill) {
      addMessageRoutes(app, mill);
      addSchedulerRoutes(app, mill, { intervalMs: configuration.interval });
    },
  }),
});

function pipelineOf(configuration: MessagesConfiguration): Pipeline {
  const { providerUrl, providerKey } = configuration;
  const redis = redisPlace(configuration);
  const cache = redis && new RedisCache(redis);
  if (providerUrl === undefined)
    return messagesPipeline({ ...configuration, provider: sandboxProvider(), isProviderWell: () => true, cache });
  const provider = smsProvider({ url: providerUrl, key: providerKey });
  return messagesPipeline({ ...configuration, provider, isProviderWell: () => provider.circuit === 'closed', cache });
}
