import { pipeline } from 'millrace';
import { system } from 'millrace/server';
import * as z from 'zod';

/** Thrown when a currency has no rate. */
class RateMissing extends Error {
  override readonly name = 'RateMissing';
}

/** Returns a currency's value in euros, from another program. */
async function rateOf(currency: string): Promise<number> {
  const answer = await fetch(`${process.env.RATES_URL}/${currency}`);
  if (answer.status === 404) throw new RateMissing(`no exchange rate for ${currency} on ${new Date().toISOString().slice(0, 10)}`);
  if (!answer.ok) throw new Error(`the rates service answered status ${answer.status}`);
  return z.object({ rate: z.number() }).parse(await answer.json()).rate;
}

const Drawn = z.object({ type: z.literal('drawn'), invoice: z.string(), currency: z.string(), cents: z.int() });
const Paid = z.object({ type: z.literal('paid'), invoice: z.string() });
const Noted = z.object({ type: z.literal('noted'), invoice: z.string(), text: z.string() });

const invoices = pipeline('invoices', {
  event: z.discriminatedUnion('type', [Drawn, Paid, Noted]),
  key: ({ invoice }) => invoice,
  state: z.object({ status: z.enum(['drawn', 'paid', 'overdue']), cents: z.int(), notes: z.int() }),
  retry: { attempts: 5, backoff: '120ms', maxBackoff: '4s' },
  concurrency: 20,
  async handle(event, invoice, turn) {
    if (event.type === 'drawn') {
      const rate = await rateOf(event.currency);
      turn.timers.set('overdue', { after: '2m' });
      return { status: 'drawn', cents: Math.round(event.cents * rate), notes: 0 };
    }
    if (invoice === undefined) return turn.ignore('the invoice was never drawn');
    if (event.type === 'noted') return { ...invoice, notes: invoice.notes + 1 };
    turn.timers.cancel('overdue');
    return { ...invoice, status: 'paid' };
  },
  timers: {
    overdue: (invoice) => (invoice === undefined ? undefined : { ...invoice, status: 'overdue' as const }),
  },
});

/** Invoices in several currencies, one of which has no rate at first: its keys are parked. */
export default system({ name: 'invoices', title: 'Invoices', description: 'Invoices in several currencies.', pipelines: [invoices] });
