import { type HttpTransport, pipeline, table } from 'millrace';
import * as z from 'zod';
import { stock } from './stock.ts';

const Item = z.object({ sku: z.string().min(1), quantity: z.int().min(1) });
const Placed = z.object({ type: z.literal('placed'), order: z.string().min(1), items: z.array(Item).min(1), cents: z.int().min(0) });
const Paid = z.object({ type: z.literal('paid'), order: z.string().min(1), payment: z.string().min(1), cents: z.int().min(0) });

const OrderEvent = z.discriminatedUnion('type', [Placed, Paid]);

/** An event in the life of an order. */
export type OrderEvent = z.infer<typeof OrderEvent>;

/** A customer's request to place an order. */
export const NewOrder = Placed.omit({ type: true });

/** The orders, open to anyone's queries. */
export const orders = table(
  'orders',
  { id: 'text', status: 'text', cents: 'integer', placed_at: 'integer', paid_at: 'integer?' },
  { primaryKey: ['id'], indexes: [['paid_at']] },
);

/** Time limit for a customer's payment. */
const timeToPay = '30m';

/**
 * The life of an order: placed, paid and shipped, or cancelled if it is not paid.
 *
 * @param warehouse calls the warehouse, which packs paid orders
 */
export function ordersPipeline(warehouse: HttpTransport) {
  return pipeline('orders', {
    event: OrderEvent,
    key: ({ order }) => order,
    state: z.object({ status: z.enum(['placed', 'paid', 'shipped', 'cancelled']), items: z.array(Item), cents: z.int() }),
    tables: { orders },
    genericIngest: false, // payments arrive only through the signed route
    handle(event, order, turn) {
      if (event.type === 'placed') {
        if (order !== undefined) return turn.ignore('the order is there already');
        turn.put(orders, { id: turn.key, status: 'placed', cents: event.cents, placed_at: turn.acceptedAt });
        for (const { sku, quantity } of event.items) turn.send(stock, { sku, change: -quantity });
        turn.timers.set('unpaid', { after: timeToPay });
        return { status: 'placed', items: event.items, cents: event.cents };
      }
      if (order?.status !== 'placed') return turn.ignore(`cannot pay an order that is ${order?.status ?? 'unknown'}`);
      if (event.cents < order.cents) return turn.ignore('too little was paid');
      turn.timers.cancel('unpaid');
      turn.update(orders, { id: turn.key, status: 'paid', paid_at: turn.acceptedAt });
      turn.deliver('warehouse', {
        type: 'order.paid',
        timestamp: new Date(turn.acceptedAt).toISOString(),
        data: { order: turn.key, ...order },
      });
      return { ...order, status: 'paid' };
    },
    timers: {
      unpaid(order, turn) {
        if (order?.status !== 'placed') return undefined;
        turn.update(orders, { id: turn.key, status: 'cancelled' });
        for (const { sku, quantity } of order.items) turn.send(stock, { sku, change: quantity });
        return { ...order, status: 'cancelled' };
      },
    },
    deliver: {
      warehouse: {
        to: warehouse,
        outcome(order, turn, { status }) {
          if (order === undefined || status !== 'delivered') return order;
          turn.update(orders, { id: turn.key, status: 'shipped' });
          return { ...order, status: 'shipped' };
        },
      },
    },
  });
}
