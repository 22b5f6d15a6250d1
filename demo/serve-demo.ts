import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { rocketTraffic } from './traffic/rockets.ts';
import { senderTo } from './traffic/sender.ts';
import { invoiceTraffic, shopTraffic } from './traffic/shop.ts';
import { accountTraffic, eventTraffic, messageTraffic, workerTraffic } from './traffic/systems.ts';
import { startWorld } from './world.ts';

/** A running demo. */
export interface Demo {
  readonly url: string;
  /** Adds a rate for the currency that had none: the parked invoices can be redriven. */
  bringRate(): void;
  stop(): Promise<void>;
}

export interface DemoOptions {
  readonly port: number;
  readonly database: string;
  /** The value of `MILLRACE_TOKENS`, and one of its secrets; without them the server requires none. */
  readonly tokens?: { readonly lines: string; readonly secret: string };
  /** Options of Node.js for the server. */
  readonly nodeOptions?: readonly string[];
}

const root = join(import.meta.dirname, '..');
const systems = ['rockets', 'events', 'accounts', 'messages', 'workers', './examples/shop/src/shop.ts', './demo/invoices.ts'];
const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`;

/** Starts the server with all systems, the shop and the invoices, the programs they call, and the traffic. */
export async function serveDemo({ port, database, tokens, nodeOptions = [] }: DemoOptions): Promise<Demo> {
  const world = await startWorld();
  const payments = newSecret();
  const env = {
    ...process.env,
    LOG_LEVEL: 'error',
    PAYMENTS_SECRET: payments,
    WAREHOUSE_SECRET: newSecret(),
    WAREHOUSE_URL: `${world.url}/warehouse`,
    SMS_PROVIDER_URL: `${world.url}/sms`,
    RATES_URL: `${world.url}/rates`,
    SCHEDULER_INTERVAL: '2s',
    ...(tokens && { MILLRACE_TOKENS: tokens.lines }),
  };
  const program = ['bin/millrace.js', 'serve', ...systems, '--port', String(port), '--database', database];
  const server = spawn(process.execPath, [...nodeOptions, ...program], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let url: string;
  try {
    url = await addressOf(server);
  } catch (error) {
    await world.stop();
    throw error;
  }
  const sender = senderTo(url, tokens === undefined ? {} : { authorization: `Bearer ${tokens.secret}` });
  const traffic = [
    every(250, rocketTraffic(sender)),
    every(400, accountTraffic(sender)),
    every(500, eventTraffic(sender)),
    every(700, messageTraffic(sender)),
    every(300, workerTraffic(sender)),
    every(450, shopTraffic(sender, payments)),
    every(600, invoiceTraffic(sender)),
  ];
  return {
    url,
    bringRate: () => world.bringRate(),
    async stop() {
      for (const end of traffic) end();
      server.kill('SIGTERM');
      if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
      await world.stop();
    },
  };
}

/** Returns the address that the server reports listening on. */
async function addressOf(server: ChildProcess): Promise<string> {
  let said = '';
  const ended = once(server, 'exit').then(() => Promise.reject(new Error(`the server ended before it was listening: ${said}`)));
  const listening = new Promise<string>((resolve) => {
    server.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const url = /listening on (\S+)/.exec(said)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
  const url = await Promise.race([listening, ended]);
  // Its end is awaited by whoever stops it.
  ended.catch(() => undefined);
  return url;
}

/** Repeats an action, never twice at once; the returned function stops it, as does a server that goes away. */
function every(pauseMs: number, act: () => Promise<void>): () => void {
  let isOver = false;
  const run = async () => {
    while (!isOver) {
      try {
        await act();
      } catch (error) {
        // Nobody answers any more: the server is stopping.
        if (!(error instanceof TypeError)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  void run();
  return () => {
    isOver = true;
  };
}
