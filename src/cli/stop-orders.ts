import { constants } from 'node:os';
import { exit } from './exit.ts';

/** Asks the program to stop. */
export interface StopOrder {
  readonly signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP';
  /**
   * How it came: as a signal to this process, by the launcher on an old Node.js, or because the parent is gone that npm had
   * put in between.
   */
  readonly way: 'signal' | 'launcher' | 'parent';
  /** When it came, on a clock of its own for each way. */
  readonly atMs: number;
}

/** The source of orders to stop. The launcher hears them from its first line on (`bin/stop-orders.js`), and they wait there. */
export interface StopOrders {
  /** Passes every order on, those that have waited first, to this listener in place of a former one. */
  onStopOrder(listen: (order: StopOrder) => void): void;
}

/** npm passes the Ctrl-C of a terminal on, which has reached its script already: so one press arrives twice, so close together. */
const echoMs = 1_000;

/**
 * Resolves at the first order to stop; a second one ends the process at once, with the exit code of its signal.
 *
 * An order may come by two ways (a service manager that signals every process of a service reaches the launcher and its
 * child), so it is the second one *of a way* that counts.
 */
export async function stopRequested(orders: StopOrders, options?: { readonly echoes: boolean }): Promise<void> {
  await firstStopOrder(orders, options);
}

/** As {@link stopRequested}; resolves to the order. */
export function firstStopOrder({ onStopOrder }: StopOrders, { echoes = isRunByNpm() } = {}): Promise<StopOrder> {
  const { promise, resolve } = Promise.withResolvers<StopOrder>();
  const heard = new Map<StopOrder['way'], StopOrder>();
  onStopOrder((order) => {
    const before = heard.get(order.way);
    if (before === undefined) heard.set(order.way, order);
    else if (!echoes || !isEcho(order, before)) exit(exitCodeOf(order));
    if (heard.size === 1 && order.way === 'parent') process.stderr.write(`millrace: ${parentIsGone}\n`);
    resolve(order);
  });
  return promise;
}

/** Ends the process at the first order to stop: for commands that leave nothing half done. */
export function endWhenAsked({ onStopOrder }: StopOrders, beforeEnd: () => void = () => undefined): void {
  onStopOrder((order) => {
    beforeEnd();
    exit(exitCodeOf(order));
  });
}

/**
 * Ends the process by the signal of an order, where threads run: an exit would wait for one that is in the midst of a long call to SQLite.
 * Nothing that listens for the end of the process is called.
 */
export function endByOrder(order: StopOrder): never {
  process.removeAllListeners(order.signal);
  process.kill(process.pid, order.signal);
  // PID 1 cannot be killed like this.
  exit(exitCodeOf(order));
}

const parentIsGone =
  'stopping, since what npm started this with has ended; what is to outlive npm must be started without it (node bin/millrace.js)';

function isRunByNpm(): boolean {
  return process.env.npm_lifecycle_event !== undefined;
}

function isEcho(order: StopOrder, before: StopOrder): boolean {
  return order.signal === before.signal && order.atMs - before.atMs < echoMs;
}

function exitCodeOf({ signal }: StopOrder): number {
  return 128 + constants.signals[signal];
}
