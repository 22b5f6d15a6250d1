import type { IncomingHttpHeaders } from 'node:http';
import { MillraceError } from 'millrace';
import { parseRequest } from 'millrace/server';
import { Webhook } from 'standardwebhooks';
import * as z from 'zod';

const Payment = z.object({
  type: z.literal('payment.succeeded'),
  data: z.object({ order: z.string().min(1), payment: z.string().min(1), cents: z.int().min(0) }),
});

/** A payment provider's report. */
export type Payment = z.infer<typeof Payment>;

/** Returns a payment whose signature matches its bytes. Throws `MILL_INVALID_REQUEST` for any other request. */
export function verifiedPayment(secret: string, headers: IncomingHttpHeaders, rawBody: Buffer): Promise<Payment> {
  return parseRequest(Payment, verified(secret, headers, rawBody));
}

function verified(secret: string, headers: IncomingHttpHeaders, rawBody: Buffer): unknown {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = headers;
  try {
    return new Webhook(secret).verify(rawBody, {
      'webhook-id': String(id),
      'webhook-timestamp': String(timestamp),
      'webhook-signature': String(signature),
    });
  } catch (error) {
    throw new MillraceError('MILL_INVALID_REQUEST', 'the signature does not fit; expected one of the payment provider', { cause: error });
  }
}
