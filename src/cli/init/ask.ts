import { createInterface } from 'node:readline/promises';
import { exit } from '../exit.ts';
import { endWhenAsked, type StopOrders } from '../stop-orders.ts';

/**
 * Asks a question on the terminal. Resolves to the answer, or to `otherwise` for an empty one. Without a terminal it asks nothing and
 * resolves to `undefined`. Ctrl-C and the end of the input end the process: nothing has been written by then.
 */
export async function ask(question: string, otherwise: string, orders: StopOrders): Promise<string | undefined> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return undefined;
  endWhenAsked(orders);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const abandoned = () => exit(128 + 2);
  terminal.on('SIGINT', abandoned).on('close', abandoned);
  const answer = await terminal.question(`${question} [${otherwise}]: `);
  terminal.removeListener('close', abandoned).close();
  return answer.trim() || otherwise;
}
