import { constants } from 'node:os';
import { exit } from './exit.ts';

/** A request to stop the program. */
export interface StopOrder {
  readonly signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP';
  /**
   * The way it came: as a signal to this process, through the launcher on an old Node.js, or because the intermediate parent that npm
   * started is gone.
   */
  readonly way: 'signal' | 'launcher' | 'parent';
  /** The time at which it came, by a separate clock for each way. */
  readonly atMs: number;
}

/**
 * The source of stop requests. The launcher receives them from its first line on (`bin/stop-orders.js`), and holds them until there is a
 * listener.
 */
export interface StopOrders {
  /** Passes every request, starting with those waiting, to this listener, which replaces the previous one. */
  onStopOrder(listen: (order: StopOrder) => void): void;
}

/** npm passes on the Ctrl-C of a terminal, which its script has already received: one press arrives twice, this close together. */
const echoMs = 1_000;

/**
 * Resolves at the first request to stop; a second one ends the process at once, with the exit code of its signal.
 *
 * One request may arrive in two ways (a service manager that signals every process of a service reaches the launcher and its child), so
 * only the second one *in the same way* counts.
 */
export async function stopRequested(orders: StopOrders, options?: { readonly echoes: boolean }): Promise<void> {
  await firstStopOrder(orders, options);
}

/** Like {@link stopRequested}, but resolves to the request. */
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

/** Ends the process at the first request to stop: for commands that leave nothing half done. */
export function endWhenAsked({ onStopOrder }: StopOrders, beforeEnd: () => void = () => undefined): void {
  onStopOrder((order) => {
    beforeEnd();
    exit(exitCodeOf(order));
  });
}

/**
 * Ends the process by the request's signal, for use with threads: an exit would wait for a thread in the middle of a long SQLite call. Exit
 * listeners are not called.
 */
export function endByOrder(order: StopOrder): never {
  process.removeAllListeners(order.signal);
  process.kill(process.pid, order.signal);
  // PID 1 cannot be killed this way.
  exit(exitCodeOf(order));
}

const parentIsGone =
  'stopping, because the parent process started by npm has ended; to keep running, start without npm (node bin/millrace.js)';

function isRunByNpm(): boolean {
  return process.env.npm_lifecycle_event !== undefined;
}

function isEcho(order: StopOrder, before: StopOrder): boolean {
  return order.signal === before.signal && order.atMs - before.atMs < echoMs;
}

function exitCodeOf({ signal }: StopOrder): number {
  return 128 + constants.signals[signal];
}
