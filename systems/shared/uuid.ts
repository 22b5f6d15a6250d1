import * as z from 'zod';
import { MillraceError } from '../../src/index.ts';
import { type IngestRequest, idempotencyKeyOf } from '../../src/server/index.ts';

/** A UUID of any version, in lower case, so that each has one spelling. */
export const Uuid = z.guid('expected a UUID').toLowerCase();

/** Returns a request's `Idempotency-Key` as the id of its contents, so it must be a UUID. Throws `MILL_INVALID_REQUEST`. */
export function uuidKeyOf(request: Pick<IngestRequest, 'headers'>): { readonly id?: string } {
  const { id } = idempotencyKeyOf(request);
  if (id === undefined) return {};
  const key = Uuid.safeParse(id);
  if (key.success) return { id: key.data };
  throw new MillraceError('MILL_INVALID_REQUEST', `Idempotency-Key: expected a UUID, found ${JSON.stringify(id.slice(0, 100))}`);
}
