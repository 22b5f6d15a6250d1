import { http, isWebhookSecret } from '../../src/index.ts';
import type { Values } from '../../src/server/index.ts';
import type { Rocket } from './rocket.ts';

/** The webhook notified of exploding rockets. */
export interface ExplosionWebhook {
  /** Undefined: none. */
  readonly url?: string | undefined;
  /** Signs the notifications. */
  readonly secret?: string | undefined;
}

/** The delivery of notifications: twenty attempts take some six hours, enough time to fix a receiver. */
export function explosionEndpoint({ url, secret }: ExplosionWebhook) {
  return {
    to: http({ ...(url !== undefined && { url }), ...(secret !== undefined && { secret }) }),
    timeout: '15s',
    retry: { attempts: 20 },
  } as const;
}

/** Returns a rocket's webhook notification, in the payload format of Standard Webhooks, with its id. */
export function explosionOf(rocket: Rocket) {
  return {
    id: `rocket.exploded/${rocket.id}/${rocket.lastMessageNumber}`,
    payload: { type: 'rocket.exploded', timestamp: rocket.lastUpdated, data: rocket },
  };
}

/** Variables of the webhook. A URL may itself be a secret, like those of chat rooms. */
export const webhookSettings = {
  url: {
    variable: 'WEBHOOK_URL',
    meaning: 'URL to POST each explosion to',
    values: { accepts: 'an http or https URL', read: readUrl } satisfies Values<string>,
    secret: true,
  },
  secret: {
    variable: 'WEBHOOK_SECRET',
    meaning: 'the secret that signs these POSTs: whsec_ followed by 24 to 64 bytes in base64',
    values: { accepts: 'whsec_ followed by 24 to 64 bytes in base64', read: readSecret } satisfies Values<string>,
    secret: true,
  },
} as const;

function readUrl(text: string): string | undefined {
  const protocol = URL.parse(text)?.protocol;
  return protocol === 'http:' || protocol === 'https:' ? text : undefined;
}

function readSecret(text: string): string | undefined {
  return isWebhookSecret(text) ? text : undefined;
}
