import * as z from 'zod';
import { describeFound } from '../describe-found.ts';
import { MillraceError } from '../errors.ts';
import type { IngestRequest } from './ingest-request.ts';
import { jsonSchemaOf } from './parse-request.ts';
import { headersOf } from './request-headers.ts';

const noKey = {};

/**
 * Returns the `Idempotency-Key` of a request as the id of its event, for `mill.ingest`: as sent, including quotes. The engine refuses one
 * that contradicts the event's own id or comes with a number.
 *
 * ```ts
 * await mill.ingest('payments', request.body, { ...traceOf(request), ...idempotencyKeyOf(request) });
 * ```
 */
export function idempotencyKeyOf(request: Pick<IngestRequest, 'headers'>): { readonly id?: string } {
  const key = headersOf('idempotencyKeyOf', request)['idempotency-key'];
  return typeof key === 'string' ? { id: key } : noKey;
}

/**
 * Throws `MILL_INVALID_REQUEST` for a request with an `Idempotency-Key` that its route cannot honour: a caller that sends one relies on
 * it.
 *
 * @param reason the reason, as the rest of a sentence that begins with "since"
 */
export function refuseIdempotencyKey(request: Pick<IngestRequest, 'headers'>, reason: string): void {
  const key = headersOf('refuseIdempotencyKey', request)['idempotency-key'];
  if (key === undefined) return;
  throw new MillraceError('MILL_INVALID_REQUEST', `Idempotency-Key: expected none, since ${reason}; found ${describeFound(key)}`);
}

/** Returns the `headers` schema of a route that honours the key. */
export function idempotencyKeyHeader(description: string) {
  return jsonSchemaOf(z.object({ 'idempotency-key': z.string().optional().meta({ description }) }));
}
