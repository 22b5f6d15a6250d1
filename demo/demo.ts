/** `npm run demo`: all systems, a shop and invoices with lively traffic, including failures, until interrupted. */
import { parseArgs } from 'node:util';
import { serveDemo } from './serve-demo.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8080' },
    database: { type: 'string', default: 'memory:' },
    'late-rate-seconds': { type: 'string', default: '90' },
  },
});
const lateRateMs = Number(values['late-rate-seconds']) * 1000;
const demo = await serveDemo({ port: Number(values.port), database: values.database });
setTimeout(demo.bringRate, lateRateMs).unref();
process.stdout.write(
  `The page: ${demo.url}/\nInvoices in TRY are parked until a rate comes ${lateRateMs / 1000} s from now; redrive them then.\n`,
);
const stop = () => void demo.stop();
process.once('SIGINT', stop);
process.once('SIGTERM', stop);
