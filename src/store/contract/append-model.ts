import assert from 'node:assert/strict';
import type { Appended, Commit, PartitionId, Store } from '../store.ts';
import { dice } from './dice.ts';
import { gap, numbered, type Owner, own, type StoreTest } from './fixtures.ts';

/**
 * Tests random batches of numbered events between random turns, judged by the store and by a one-page model. The seeds are fixed and the
 * generator is built in, so that the suite needs no package and fails the same way everywhere.
 */
export function appendModelContract(it: StoreTest): void {
  it('every answer matches a simple model', async ({ store, rockets }) => {
    const owner = await own(store, rockets);
    for (let seed = 1; seed <= 20; seed += 1) await play(store, rockets, owner, seed);
  });
}

const steps = 25;
const batchMax = 6;
const numberMax = 12;

async function play(store: Store, partition: PartitionId, owner: Owner, seed: number): Promise<void> {
  const upTo = dice(seed);
  const a = new KeyModel(`a of seed ${seed}`);
  const b = new KeyModel(`b of seed ${seed}`);
  const pick = () => (upTo(2) === 1 ? a : b);
  let head = (await store.read(partition, 0, Number.MAX_SAFE_INTEGER)).length;
  for (let step = 1; step <= steps; step += 1) {
    const where = `seed ${seed}, step ${step}`;
    if (upTo(3) === 1) {
      await owner.commit(pick().turn(`${seed}-${step}`));
    } else {
      const batch = Array.from({ length: upTo(batchMax) }, () => ({ model: pick(), number: upTo(numberMax) }));
      const expected = batch.map(({ model, number }): Appended => {
        const status = model.judge(number);
        if (status !== 'accepted') return { status };
        head += 1;
        return { status, position: head };
      });
      assert.deepEqual(await store.append(batch.map(({ model, number }) => numbered(partition, model.key, number))), expected, where);
    }
    const records = await store.load(partition, [a.key, b.key]);
    assert.deepEqual(
      records.map(({ next, held, heldFrom }) => ({ next: next ?? 1, held, heldFrom })),
      [a.record, b.record],
      where,
    );
  }
}

/** The possible knowledge about a key: the fate of each number, and the next one. */
class KeyModel {
  readonly key: string;
  readonly #fates = new Map<number, 'held' | 'applied' | 'skipped'>();
  #next = 1;

  constructor(key: string) {
    this.key = key;
  }

  get record(): { next: number; held: number; heldFrom: number | null } {
    const held = [...this.#fates].filter(([, fate]) => fate === 'held').map(([number]) => number);
    return { next: this.#next, held: held.length, heldFrom: held.length > 0 ? Math.min(...held) : null };
  }

  judge(number: number): Appended['status'] {
    const fate = this.#fates.get(number);
    if (fate === 'skipped') return 'late';
    if (fate !== undefined) return 'duplicate';
    this.#fates.set(number, 'held');
    return 'accepted';
  }

  /** Applies the next number; if it is missing, skips to the lowest held one. */
  turn(letterId: string): Partial<Commit> {
    const { key, record } = this;
    if (record.heldFrom === null) return {};
    const first = this.#next;
    const isGap = record.heldFrom > first;
    this.#next = isGap ? record.heldFrom : first + 1;
    for (let number = first; number < this.#next; number += 1) this.#fates.set(number, isGap ? 'skipped' : 'applied');
    const keys = [{ key, state: null, next: this.#next, parked: false }];
    if (isGap) return { keys, deadLetters: [gap(letterId, key, first, this.#next - 1)] };
    return { keys, releases: [{ key, from: first, to: first }] };
  }
}
