import { Webhook } from 'standardwebhooks';
import { between, pick, type Sender } from './sender.ts';

const articles = ['lamp', 'chair', 'kettle', 'rug', 'clock'];
const openMax = 40;

/** Places orders and pays most of them, which exercises timers, deliveries and sends. */
export function shopTraffic(sender: Sender, paymentsSecret: string): () => Promise<void> {
  const signer = new Webhook(paymentsSecret);
  const open: { readonly order: string; readonly cents: number }[] = [];
  let placed = 0;
  return async () => {
    placed += 1;
    const order = `ord_${String(placed).padStart(5, '0')}`;
    const cents = between(900, 90_000);
    await sender.post('/orders', { order, cents, items: [{ sku: pick(articles), quantity: between(1, 3) }] });
    open.push({ order, cents });
    if (open.length > openMax) open.shift();
    const paid = open[between(0, open.length - 1)];
    if (paid === undefined || Math.random() < 0.3) return;
    open.splice(open.indexOf(paid), 1);
    const id = `pay_${paid.order}`;
    const now = new Date();
    const body = JSON.stringify({ type: 'payment.succeeded', data: { order: paid.order, payment: id, cents: paid.cents } });
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': signer.sign(id, now, body),
    };
    await sender.post('/payments', body, headers);
  };
}

/** Sends invoices: every fifteenth in a currency without a rate, so that its key is parked and later events wait. */
export function invoiceTraffic(sender: Sender): () => Promise<void> {
  let drawn = 0;
  return async () => {
    drawn += 1;
    const invoice = `inv_${String(drawn).padStart(5, '0')}`;
    const currency = drawn % 15 === 3 ? 'TRY' : pick(['EUR', 'USD', 'GBP']);
    const path = '/pipelines/invoices/events';
    await sender.post(path, { type: 'drawn', invoice, currency, cents: between(1_000, 500_000) });
    if (Math.random() < 0.6) await sender.post(path, { type: 'noted', invoice, text: 'sent by post' });
    const older = `inv_${String(Math.max(1, drawn - between(0, 30))).padStart(5, '0')}`;
    await sender.post(path, { type: 'paid', invoice: older });
  };
}
