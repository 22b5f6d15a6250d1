import type { EndpointUrls } from './endpoints.ts';

/** Total attempts per message. */
export const attemptsMax = 4;

/** The systems' configuration: short waits, so that a few rounds see much. */
export function environmentOf({ sms, explosions }: EndpointUrls): Readonly<Record<string, string>> {
  return {
    LOG_LEVEL: 'info',
    SMS_PROVIDER_URL: sms,
    SCHEDULER_INTERVAL: '100ms',
    MESSAGE_BATCH_SIZE: '20',
    MESSAGE_MAX_WORKERS: '8',
    // The provider may be slow on a busy machine. A call that timed out would rightly be repeated.
    SCHEDULER_BATCH_TIMEOUT: '60s',
    MESSAGE_PER_MESSAGE_TIMEOUT: '60s',
    MESSAGE_RETRY_BACKOFF: '20ms',
    MESSAGE_MAX_ATTEMPTS: String(attemptsMax),
    WEBHOOK_URL: explosions,
  };
}
