import type { Store } from '../../src/store/store.ts';
import type { Ledger } from '../ledger.ts';
import { deliveriesOf } from './deliveries.ts';
import type { Evidence } from './evidence.ts';

interface RestContext {
  readonly store: Store;
  /** Milliseconds since 1970. */
  readonly settledAt: number;
  say(broken: string): void;
}

/**
 * Promises 2, 5, 6, 8 at rest: what waits has a reason that only somebody outside can remove. An event: its key is parked, or
 * an earlier number is missing. A timer: its key is parked. A delivery: its pipeline is to ask for it again.
 */
export async function checkRest(evidence: Evidence, ledger: Ledger, { store, settledAt, say }: RestContext): Promise<void> {
  for (const event of evidence.events) {
    if (event.isWaiting && !maybeWaits(evidence, event.key)) say(`event ${event.name} of key ${event.key} waits for nothing`);
  }
  for (const { partition } of evidence.slices) {
    for (const { key, name } of await store.dueTimers(partition, settledAt, 1_000)) {
      if (evidence.keys.get(key)?.parked !== true) say(`timer ${name} of key ${key} is due and has not fired`);
    }
    for (const { name } of evidence.witness.endpoints) {
      for (const { id, key } of await store.dueDeliveries(partition, name, settledAt, 1_000))
        say(`delivery ${id} of key ${key} to ${name} is due and has not been made`);
    }
  }
  checkDeliveriesAtRest(evidence, ledger, say);
}

function maybeWaits({ witness, keys }: Evidence, key: string): boolean {
  const record = keys.get(key);
  if (record === undefined) return false;
  if (record.parked) return true;
  return witness.numbered && record.heldFrom !== null && record.heldFrom > (record.next ?? 1);
}

function checkDeliveriesAtRest(evidence: Evidence, { resolved }: Ledger, say: (broken: string) => void): void {
  const { witness, turns, slices, letters, keys } = evidence;
  const isComplete = Array.from(turns.values()).every((own) => own.every(({ asked }) => asked !== undefined));
  // A key that is parked has yet to be told of what it asked for.
  if (!isComplete || Array.from(keys.values()).some(({ parked }) => parked)) return;
  const unheard = new Set([...letters.flatMap(({ key, timer }) => (timer === null ? [] : [`${key} ${timer.name}`])), ...discardedTimers()]);
  let waiting = 0;
  for (const endpoint of witness.endpoints.filter(({ isTold }) => isTold)) {
    for (const [key, own] of turns) {
      for (const { id, isOpen, status } of deliveriesOf(own, endpoint).values()) {
        if (!isOpen || unheard.has(`${key} outcome/${endpoint.name}/${id}`)) continue;
        if (status === 'failed') waiting += 1;
        else say(`key ${key} was never told what became of delivery ${id} to ${endpoint.name}`);
      }
    }
  }
  if (witness.endpoints.some(({ isTold }) => !isTold) || unheard.size > 0) return;
  const kept = slices.reduce((sum, { claim }) => sum + claim.deliveries, 0);
  if (kept !== waiting) say(`the store keeps ${kept} deliveries, and ${waiting} wait for their pipeline`);

  function discardedTimers(): readonly string[] {
    const own = resolved.filter((one) => one.pipeline === witness.pipeline && one.what === 'timer' && one.how === 'discarded');
    return own.map(({ key, name }) => `${key} ${name}`);
  }
}
