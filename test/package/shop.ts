import { http, type Mill, pipeline, table, tableSource } from 'millrace';
import { ingestRoute, jsonSchemaOf, parseRequest, type System, traceOf } from 'millrace/server';
import * as z from 'zod';

/** A shop in miniature: code that a user may write in strict TypeScript, without a cast. */

const Payment = z.object({ order: z.string(), cents: z.int().positive(), at: z.iso.datetime() });

const Order = z.object({
  status: z.enum(['placed', 'paid', 'overdue']),
  lines: z.array(z.object({ article: z.string(), kind: z.enum(['book', 'music']), count: z.int() })),
  paid: z.tuple([z.int(), z.enum(['EUR', 'GBP'])]).optional(),
  note: z.string().default(''),
});
export type Order = z.infer<typeof Order>;

export const reminders = table(
  'reminders',
  { order_id: 'text(50)', status: ['due', 'sent'], sent_on: 'moment?' },
  { primaryKey: ['order_id'], indexes: [['status']] },
);

const audited = z.object({ order: z.string(), what: z.enum(['placed', 'paid', 'overdue']) });
export const audit = pipeline('audit', {
  event: audited,
  key: ({ order }) => order,
  state: z.array(z.string()),
  handle: ({ what }, seen = []) => [...seen, what],
});

export const orders = pipeline('orders', {
  event: z.discriminatedUnion('type', [
    z.object({ type: z.literal('placed'), order: z.string(), lines: Order.shape.lines }),
    z.object({ type: z.literal('paid'), ...Payment.shape }),
  ]),
  key: ({ order }) => order,
  state: Order,
  tables: { reminders },
  retain: '30 days',
  handle(event, order, turn) {
    turn.send(audit, { order: event.order, what: event.type });
    if (event.type === 'placed') {
      turn.timers.set('payment', { after: '14d' });
      return { status: 'placed', lines: event.lines, note: '' };
    }
    if (order === undefined) return turn.ignore('no such order');
    turn.timers.cancel('payment');
    turn.deliver('warehouse', { type: 'order.paid', timestamp: event.at, data: order.lines }, { id: event.order });
    return { ...order, status: 'paid', paid: [event.cents, 'EUR'] };
  },
  timers: {
    payment(order, turn) {
      turn.put(reminders, { order_id: turn.key, status: 'due' });
      return order && { ...order, status: 'overdue' };
    },
  },
  deliver: {
    warehouse: {
      to: http({ url: 'https://warehouse.example/hooks', secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }),
      order: 'key',
      rateLimit: { calls: 10, per: '1s' },
      outcome: (order, _turn, outcome) => order && { ...order, note: outcome.status },
    },
  },
});

export const nightly = pipeline('nightly', {
  event: z.object({ order: z.string() }),
  key: ({ order }) => order,
  tables: { reminders },
  schedule: {
    cron: '0 3 * * *',
    timezone: 'Europe/Berlin',
    source: tableSource(reminders, {
      rows: (query) => query.selectAll().where('status', '=', 'due').orderBy('order_id'),
      event: ({ order_id }) => ({ order: order_id }),
    }),
  },
  async handle({ order }, _state, turn) {
    turn.update(reminders, { order_id: order, status: 'sent', sent_on: new Date(turn.now).toISOString() });
  },
});

const shop: System = {
  name: 'shop',
  title: 'Shop',
  description: 'Takes orders and payments.',
  pipelines: [orders, audit, nightly],
  routes(app, mill: Mill<{ orders: typeof orders; audit: typeof audit }>) {
    ingestRoute(app, '/payments', { summary: 'Take a payment in', tags: ['payments'], body: jsonSchemaOf(Payment) }, async (request) => {
      const payment = Payment.parse(request.body);
      const { status } = await mill.ingest('orders', { type: 'paid', ...payment }, traceOf(request));
      return { status };
    });
    app.post('/audits', { schema: { summary: 'Take an audit in' }, config: { inexactNumbers: 'by event' } }, async ({ body }, reply) => {
      const event = await parseRequest(audited, body);
      return reply.code(202).send(await mill.ingest('audit', event));
    });
    app.get<{ Params: { id: string } }>('/orders/:id', { schema: { summary: 'Show an order', tags: ['orders'] } }, async ({ params }) => {
      return (await mill.state('orders', params.id)) ?? {};
    });
  },
};
export default shop;
