import { pipeline, table } from 'millrace';
import * as z from 'zod';
import { orders } from './orders.ts';

/** The payments of each day, by UTC. */
export const sales = table('sales', { day: 'text', orders: 'integer', cents: 'integer' }, { primaryKey: ['day'] });

const dayMs = 24 * 60 * 60 * 1000;

/** Adds up the previous day, every night. */
export const salesPipeline = pipeline('sales', {
  event: z.object({ day: z.string(), orders: z.int(), cents: z.int() }),
  key: ({ day }) => day,
  tables: { sales },
  schedule: {
    cron: '15 0 * * *',
    timezone: 'UTC',
    async source({ dueAt, query }) {
      const until = dueAt - (dueAt % dayMs);
      const paid = await query(orders)
        .select(({ fn }) => [fn.countAll<number>().as('orders'), fn.sum<number | null>('cents').as('cents')])
        .where('paid_at', '>=', until - dayMs)
        .where('paid_at', '<', until)
        .executeTakeFirstOrThrow();
      return [{ day: new Date(until - dayMs).toISOString().slice(0, 10), orders: paid.orders, cents: paid.cents ?? 0 }];
    },
  },
  handle: (day, _state, turn) => turn.put(sales, day),
});
