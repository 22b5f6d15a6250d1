import { http, isWebhookSecret } from '../../src/index.ts';
import type { Values } from '../../src/server/index.ts';
import type { Rocket } from './rocket.ts';

/** Who is told of rockets that explode. */
export interface ExplosionWebhook {
  /** Undefined: nobody. */
  readonly url?: string | undefined;
  /** Signs what is told. */
  readonly secret?: string | undefined;
}

/** How it is told: twenty attempts take some six hours, enough for a receiver to be mended. */
export function explosionEndpoint({ url, secret }: ExplosionWebhook) {
  return {
    to: http({ ...(url !== undefined && { url }), ...(secret !== undefined && { secret }) }),
    timeout: '15s',
    retry: { attempts: 20 },
  } as const;
}

/** What the webhook is told of a rocket, in the shape that Standard Webhooks has for payloads, and under which id. */
export function explosionOf(rocket: Rocket) {
  return {
    id: `rocket.exploded/${rocket.id}/${rocket.lastMessageNumber}`,
    payload: { type: 'rocket.exploded', timestamp: rocket.lastUpdated, data: rocket },
  };
}

/** Variables of the webhook. A URL may itself be a secret, as those of chat rooms are. */
export const webhookSettings = {
  url: {
    variable: 'WEBHOOK_URL',
    meaning: 'where each rocket that explodes is POSTed to',
    values: { accepts: 'an http or https URL', read: readUrl } satisfies Values<string>,
    secret: true,
  },
  secret: {
    variable: 'WEBHOOK_SECRET',
    meaning: 'the secret that signs these POSTs: whsec_ followed by 24 to 64 bytes in base64',
    values: { accepts: 'whsec_ and 24 to 64 bytes in base64', read: readSecret } satisfies Values<string>,
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
