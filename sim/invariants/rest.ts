import type { Store } from '../../src/store/store.ts';
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
export async function checkRest(evidence: Evidence, { store, settledAt, say }: RestContext): Promise<void> {
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
  checkDeliveriesAtRest(evidence, say);
}

function maybeWaits({ witness, keys }: Evidence, key: string): boolean {
  const record = keys.get(key);
  if (record === undefined) return false;
  if (record.parked) return true;
  return witness.numbered && record.heldFrom !== null && record.heldFrom > (record.next ?? 1);
}

function checkDeliveriesAtRest({ witness, turns, slices, letters, keys }: Evidence, say: (broken: string) => void): void {
  let waiting = 0;
  for (const endpoint of witness.endpoints.filter(({ isTold }) => isTold)) {
    for (const [key, own] of turns) {
      if (own.some(({ asked }) => asked === undefined)) return;
      // A key that is parked has yet to be told.
      if (keys.get(key)?.parked === true) return;
      for (const { id, isOpen, status } of deliveriesOf(own, endpoint, () => undefined).values()) {
        if (!isOpen) continue;
        if (status === 'failed') waiting += 1;
        else if (!letters.some((letter) => letter.key === key && letter.timer?.name === `outcome/${endpoint.name}/${id}`))
          say(`key ${key} was never told what became of delivery ${id} to ${endpoint.name}`);
      }
    }
  }
  if (witness.endpoints.some(({ isTold }) => !isTold)) return;
  const kept = slices.reduce((sum, { claim }) => sum + claim.deliveries, 0);
  if (kept !== waiting) say(`the store keeps ${kept} deliveries, and ${waiting} wait for their pipeline`);
}
