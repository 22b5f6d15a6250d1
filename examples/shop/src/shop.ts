import { http, isWebhookSecret, type Mill } from 'millrace';
import { ingestRoute, jsonSchemaOf, parseRequest, system, traceOf, type Values } from 'millrace/server';
import { NewOrder, ordersPipeline } from './orders.ts';
import { verifiedPayment } from './payments.ts';
import { salesPipeline } from './sales.ts';
import { stock } from './stock.ts';

const webhookSecret: Values<string> = {
  accepts: 'whsec_ followed by 24 to 64 bytes in base64',
  read: (text) => (isWebhookSecret(text) ? text : undefined),
};
const httpUrl: Values<string> = {
  accepts: 'an http or https URL',
  read: (text) => (/^https?:$/.test(URL.parse(text)?.protocol ?? '') ? text : undefined),
};

type Orders = ReturnType<typeof ordersPipeline>;

/** Takes orders and payments in, and tells the warehouse what to pack. */
export default system({
  name: 'shop',
  title: 'Shop',
  description: 'Orders, payments and stock of a small shop.',
  settings: {
    payments: {
      variable: 'PAYMENTS_SECRET',
      meaning: 'the secret that the payment provider signs with',
      values: webhookSecret,
      required: true,
      secret: true,
    },
    warehouse: {
      variable: 'WAREHOUSE_SECRET',
      meaning: 'the secret that signs calls to the warehouse',
      values: webhookSecret,
      required: true,
      secret: true,
    },
    warehouseUrl: { variable: 'WAREHOUSE_URL', meaning: 'where calls to the warehouse go', values: httpUrl, required: true },
  },
  build({ payments, warehouse, warehouseUrl }) {
    const orders = ordersPipeline(http({ url: warehouseUrl, secret: warehouse }));
    return {
      pipelines: [orders, stock, salesPipeline],
      routes(app, mill: Mill<{ orders: Orders }>) {
        ingestRoute(app, '/orders', { summary: 'Place an order', body: jsonSchemaOf(NewOrder) }, async (request) => {
          const order = await parseRequest(NewOrder, request.body);
          const { status } = await mill.ingest('orders', { type: 'placed', ...order }, traceOf(request));
          return { order: order.order, status };
        });
        ingestRoute(app, '/payments', { summary: 'Report a payment, signed' }, async (request) => {
          const { data } = await verifiedPayment(payments, request.headers, request.rawBody);
          const { status } = await mill.ingest('orders', { type: 'paid', ...data }, traceOf(request));
          return { status };
        });
      },
    };
  },
});
