import * as z from 'zod';
import type { DeliveryOfKey } from '../store/store.ts';

const listed = z.object({
  key: z.string(),
  status: z.enum(['open', 'waiting', 'blocked', 'parked']).meta({
    description:
      '`waiting`: an earlier number is missing. `blocked`: a failed item is being retried. `parked`: an event failed permanently and an operator must decide',
  }),
  pending: z.int().meta({ description: 'Number of accepted events that wait' }),
  next: z.int().nullable().meta({ description: 'The next number to arrive, if events are ordered by number' }),
  lastHandled: z.object({ number: z.int() }).nullable().meta({ description: 'The number handled last; null if unknown' }),
});

const held = z.object({
  id: z.string(),
  number: z.int().nullable(),
  acceptedAt: z.iso.datetime(),
  reason: z.enum(['number', 'retry', 'parked', 'order', 'turn']).meta({
    description:
      'Why it is held: an earlier number is missing, it waits for a retry, its key is parked, an earlier event is held, or nothing holds it and its turn is next',
  }),
  attempts: z.int().meta({ description: 'Failed attempts so far' }),
  retryAt: z.iso.datetime().nullable(),
  event: z.unknown(),
});

const lastFailure = z
  .object({ at: z.iso.datetime(), attempt: z.int(), reason: z.string() })
  .nullable()
  .meta({ description: 'Why its last call failed; null if none failed' });

/** A delivery without an outcome. */
export const waitingDelivery = z.object({
  id: z.string(),
  endpoint: z.string(),
  url: z.string().nullable(),
  askedAt: z.iso.datetime(),
  attempts: z.int(),
  dueAt: z.iso.datetime().nullable().meta({ description: 'When the next call is due; null: not until it is requested again' }),
  lastFailure,
});

const details = z.object({
  ...listed.shape,
  parkedBy: z.object({ deadLetter: z.string(), reason: z.string() }).nullable().meta({ description: 'The dead letter that parked it' }),
  timers: z.array(z.object({ name: z.string(), dueAt: z.iso.datetime() })).meta({ description: 'The armed timers' }),
  held: z.array(held).meta({ description: 'The first held events' }),
  deliveries: z.array(waitingDelivery).meta({
    description:
      'Deliveries without an outcome, in the order in which they were requested; if there are more than 20, those with the lowest ids',
  }),
  state: z.unknown().meta({ description: 'The committed state; null if there is none' }),
});

const timeline = z.object({
  items: z.array(
    z.looseObject({
      id: z.string(),
      at: z.iso.datetime(),
      durationMs: z.number().optional(),
      kind: z.string(),
      causedBy: z.string().optional().meta({ description: 'The id of the item or event that caused it' }),
      commit: z.string().nullable().meta({ description: 'Identical for all items of one commit; null for operator actions' }),
    }),
  ),
  nextCursor: z.string().optional(),
  prunedBefore: z.iso.datetime().optional().meta({ description: 'Earlier items have been pruned' }),
});

/** The schemas of answers about keys. */
export const keySchemas = {
  timeline: timeline.meta({
    examples: [
      {
        items: [
          {
            id: '1763715600000.0',
            at: '2026-11-21T09:00:00.000Z',
            durationMs: 2,
            kind: 'handled',
            causedBy: 'b5fbd8b8-9a4f-4d55-9e1c-7a63a5d4b6a1',
            commit: '1763715600000',
            event: 'b5fbd8b8-9a4f-4d55-9e1c-7a63a5d4b6a1',
            attempt: 1,
          },
        ],
      },
    ],
  }),
  listed: listed.meta({ examples: [{ key: 'ord_7', status: 'waiting', pending: 2, next: 5, lastHandled: { number: 4 } }] }),
  details: details.meta({
    examples: [
      {
        key: 'ord_7',
        status: 'blocked',
        pending: 1,
        next: null,
        lastHandled: null,
        parkedBy: null,
        timers: [{ name: 'expire', dueAt: '2026-11-21T10:00:00.000Z' }],
        held: [
          {
            id: 'b5fbd8b8-9a4f-4d55-9e1c-7a63a5d4b6a1',
            number: null,
            acceptedAt: '2026-11-21T09:00:00.000Z',
            reason: 'retry',
            attempts: 2,
            retryAt: '2026-11-21T09:00:07.000Z',
            event: { order: 'ord_7', paid: true },
          },
        ],
        deliveries: [],
        state: { status: 'open' },
      },
    ],
  }),
};

/** Formats a delivery for an answer. */
export function waitingDeliveryOf({
  id,
  endpoint,
  url,
  askedAt,
  attempts,
  dueAt,
  lastFailure,
}: DeliveryOfKey): z.infer<typeof waitingDelivery> {
  return {
    ...{ id, endpoint, url, askedAt: momentOf(askedAt), attempts },
    dueAt: dueAt === null ? null : momentOf(dueAt),
    lastFailure: lastFailure && { at: momentOf(lastFailure.at), attempt: attempts, reason: lastFailure.reason },
  };
}

/** Returns the last number a key has handled, as far as it is known. */
export function lastHandledOf({ next }: { readonly next: number | null }): { readonly number: number } | null {
  return next === null ? null : { number: next - 1 };
}

/** Formats a moment for answers. */
export function momentOf(at: number): string {
  return new Date(at).toISOString();
}
