import { pipeline, table } from '../../src/index.ts';
import { fromTopic, type TopicAddress } from '../shared/kafka-topic.ts';
import { type ExplosionWebhook, explosionEndpoint, explosionOf } from './explosions.ts';
import { RocketMessage } from './message.ts';
import { apply, Rocket } from './rocket.ts';

/** Every launched rocket, one row each. */
export const rocketsTable = table(
  'rockets',
  {
    id: 'text',
    type: 'text',
    speed: 'real',
    mission: 'text',
    status: 'text',
    explosion_reason: 'text?',
    last_message_number: 'integer',
    last_updated: 'text',
  },
  // The lists sorted otherwise have no index: it would be written with every message, for a list that reads a million rockets in a tenth of
  // a second.
  { primaryKey: ['id'] },
);

/** The applied messages of each rocket. */
export const messagesTable = table(
  'rocket_messages',
  { rocket: 'text', number: 'integer', time: 'text', type: 'text', message: 'json' },
  { primaryKey: ['rocket', 'number'] },
);

export const pipelineName = 'rockets';

/**
 * Ingests messages and maintains the rockets: whatever the order of arrival, each rocket is the fold of its messages in number order. The
 * webhook, if there is one, is notified of each explosion.
 */
export function rocketsPipeline(webhook: ExplosionWebhook, topic?: TopicAddress) {
  return pipeline(pipelineName, {
    event: RocketMessage,
    key: (event) => event.metadata.channel,
    order: { by: (event) => event.metadata.messageNumber, from: 1, gap: 'wait', maxPending: 10_000, alarmAfter: '10m' },
    state: Rocket,
    tables: { rocketsTable, messagesTable },
    ...fromTopic(topic),
    deliver: { explosions: explosionEndpoint(webhook) },
    handle(event, before, turn) {
      const rocket = apply(before, event);
      if (rocket === undefined) return turn.ignore('the rocket was never launched');
      turn.put(rocketsTable, {
        id: rocket.id,
        type: rocket.type,
        speed: rocket.speed,
        mission: rocket.mission,
        status: rocket.status,
        explosion_reason: rocket.explosionReason,
        last_message_number: rocket.lastMessageNumber,
        last_updated: rocket.lastUpdated,
      });
      const { messageNumber, messageTime, messageType } = event.metadata;
      turn.add(messagesTable, { rocket: rocket.id, number: messageNumber, time: messageTime, type: messageType, message: event.message });
      if (webhook.url !== undefined && rocket.status === 'EXPLODED' && before?.status !== 'EXPLODED') {
        const { id, payload } = explosionOf(rocket);
        turn.deliver('explosions', payload, { id });
      }
      return rocket;
    },
  });
}
