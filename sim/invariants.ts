import type { Store } from '../src/store/store.ts';
import { checkDeliveries } from './invariants/deliveries.ts';
import { type Evidence, gather } from './invariants/evidence.ts';
import { checkInbox, checkInboxAtRest } from './invariants/inbox.ts';
import { checkLetters } from './invariants/letters.ts';
import { checkLog } from './invariants/log.ts';
import { checkOnce } from './invariants/once.ts';
import { checkOrder } from './invariants/order.ts';
import { checkRest } from './invariants/rest.ts';
import { checkSends } from './invariants/sends.ts';
import { checkState } from './invariants/state.ts';
import { checkTimelines } from './invariants/timeline.ts';
import { checkTimers } from './invariants/timers.ts';
import type { Ledger } from './ledger.ts';

export interface InvariantOptions {
  /** The time at which everything had come to rest, in milliseconds since 1970: then no feasible work may be pending. */
  readonly settledAt?: number;
}

/**
 * The promises as code: compares a store's contents with what is known independently. Returns descriptions of the violations; an empty list
 * if every promise was kept.
 *
 * The store must be open with nobody else working on it: each partition is claimed.
 */
export async function checkInvariants(ledger: Ledger, store: Store, { settledAt }: InvariantOptions = {}): Promise<readonly string[]> {
  const evidence = await Promise.all(ledger.witnesses.map((witness) => gather(witness, store)));
  const broken: string[] = [];
  for (const one of evidence) {
    const say = (words: string) => void broken.push(`${one.witness.pipeline}: ${words}`);
    for (const check of checks) check(one, ledger, say);
    for (const broken of (await one.witness.rows?.(store, one.turns)) ?? []) say(broken);
    if (settledAt === undefined) continue;
    checkInboxAtRest(one, ledger, say);
    await checkRest(one, ledger, { store, settledAt, say });
  }
  checkSends(evidence, ledger, (words) => void broken.push(words));
  await checkTimelines(evidence, ledger, { store, isAtRest: settledAt !== undefined, say: (words) => void broken.push(words) });
  return broken;
}

/** Each check reports the violations in one pipeline. */
const checks: readonly ((evidence: Evidence, ledger: Ledger, say: (broken: string) => void) => void)[] = [
  checkLog,
  checkOnce,
  checkOrder,
  checkState,
  checkTimers,
  checkDeliveries,
  checkLetters,
  checkInbox,
];
