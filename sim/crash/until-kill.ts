import { setTimeout as pause } from 'node:timers/promises';
import { integerFrom, type Random } from '../../systems/shared/random.ts';
import type { Book } from './book.ts';
import type { Server } from './server.ts';

/** The phase in which the server is killed. */
export type KillMoment = 'start' | 'load' | 'shutdown';

/** Time limit of a kill that waits for an acknowledgement; these arrive all the time. */
const acceptedWithinMs = 500;

export function momentOfKill(random: Random): KillMoment {
  const lot = random();
  if (lot < 0.15) return 'start';
  return lot < 0.3 ? 'shutdown' : 'load';
}

/** Resolves at the moment for the kill. Rejects if the server never became ready. */
export async function untilKill(server: Server, moment: KillMoment, { book, random }: { readonly book: Book; readonly random: Random }) {
  const rest = (minMs: number, maxMs: number) => pause(integerFrom(random, minMs, maxMs));
  if (moment === 'start') return rest(10, 700);
  await server.ready;
  await rest(100, 1_500);
  if (moment === 'shutdown') {
    server.signal('SIGTERM');
    await rest(0, 120);
  } else if (random() < 0.5) {
    // A premature acknowledgement would make this event the victim of the kill.
    await Promise.race([book.accepted(), pause(acceptedWithinMs)]);
  }
}
