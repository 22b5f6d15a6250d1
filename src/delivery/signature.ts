import { createHmac } from 'node:crypto';
import { invalid } from '../pipeline/check.ts';

/** Signs a call: returns headers that prove who sent it and when. */
export type Signer = (id: string, sentAt: number, body: string) => Readonly<Record<string, string>>;

/**
 * Signs according to Standard Webhooks 1.0.0, with HMAC-SHA256: once per secret, so that receivers can rotate from an old one to a new one.
 * Without secrets it signs nothing. Throws `MILL_INVALID_DECLARATION`, never quoting the secret.
 */
export function signer(secrets: readonly string[]): Signer {
  const keys = secrets.map(readKey);
  if (keys.length === 0) return () => ({});
  return (id, sentAt, body) => {
    const timestamp = String(Math.floor(sentAt / 1000));
    const sign = (key: Buffer) => `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
    return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': keys.map(sign).join(' ') };
  };
}

/** Returns whether {@link signer} accepts a text as a secret: `whsec_` and 24 to 64 bytes in base64. */
export function isWebhookSecret(text: string): boolean {
  const bytes = keyOf(text)?.length ?? 0;
  return bytes >= 24 && bytes <= 64;
}

function readKey(secret: string): Buffer {
  const key = isWebhookSecret(secret) ? keyOf(secret) : undefined;
  return key ?? invalid('http: secret: expected whsec_ followed by 24 to 64 bytes in base64, found a value that is not shown');
}

function keyOf(text: unknown): Buffer | undefined {
  const base64 =
    typeof text === 'string' ? /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/.exec(text)?.[1] : undefined;
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64');
}
