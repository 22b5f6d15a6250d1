import assert from 'node:assert/strict';
import type { DeliveryWrite, DueMoment, StoredDelivery } from '../store.ts';
import { dice } from './dice.ts';
import { delivery, own, type StoreTest } from './fixtures.ts';

/** Tests random deliveries of few keys and ids, written to and read from the store and a model that knows only the port's rules. */
export function deliveriesModelContract(it: StoreTest): void {
  it('due deliveries match a simple model', async ({ store, visits }) => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const { deliveries } = (await store.claim(visits)).standing;
      const owner = await own(store, visits);
      const [upTo, model] = [dice(seed), new Model(seed % 2 === 0)];
      assert.equal(deliveries, 0, `seed ${seed}`);
      for (let step = 1; step <= 30; step += 1) {
        const writes = Array.from({ length: upTo(5) }, () => model.write(upTo));
        await owner.commit({ deliveries: writes });
        const [dueBy, limit] = [upTo(moments), upTo(4) === 1 ? upTo(3) : 100];
        const where = `seed ${seed}, step ${step}, due by ${dueBy}, at most ${limit}`;
        assert.deepEqual(await store.dueDeliveries(visits, 'mail', dueBy, limit), model.due(dueBy).slice(0, limit), where);
        assert.equal(await store.nextDeliveryDue(visits, 'mail', dueBy), model.nextDue(dueBy), where);
        assert.deepEqual(await store.dueMoments(visits, 'mail', dueBy, limit), model.moments(dueBy).slice(0, limit), where);
        const each = upTo(3);
        const { deliveries } = await store.dueByFlow(visits, { endpoint: 'mail', dueBy, from: null, flows: 9, each });
        const flows = Map.groupBy(model.due(dueBy), ({ flow }) => flow);
        assert.deepEqual(
          deliveries,
          [...flows.keys()].toSorted().flatMap((flow) => flows.get(flow)?.slice(0, each) ?? []),
          where,
        );
      }
      await owner.commit({ deliveries: model.clear() });
    }
  });
}

const moments = 20;

class Model {
  readonly #ordered: boolean;
  #inOrder: StoredDelivery[] = [];
  /** By id and key; 0 for others. */
  readonly #pauses = new Map<string, number>();

  constructor(ordered: boolean) {
    this.#ordered = ordered;
  }

  write(upTo: (sides: number) => number): DeliveryWrite {
    const [id, key] = [`id ${upTo(6)}`, `key ${upTo(3)}`];
    const found = this.#inOrder.findIndex((one) => one.id === id && one.key === key);
    const present = this.#inOrder[found];
    const dueAt = upTo(6) === 1 ? null : upTo(moments);
    const [attempts, pauseMs] = [upTo(5), upTo(moments)];
    const isAsked = upTo(3) > 1;
    switch (upTo(5)) {
      case 1:
        this.#inOrder = this.#inOrder.filter((one) => one !== present);
        this.#pauses.delete(`${id} ${key}`);
        return { write: 'remove', endpoint: 'mail', key, id };
      case 2:
        if (present !== undefined) {
          this.#inOrder[found] = { ...present, attempts, dueAt };
          this.#pauses.set(`${id} ${key}`, pauseMs);
        }
        return { write: 'retry', endpoint: 'mail', key, id, attempts, dueAt, pauseMs };
      default: {
        const asked = delivery(id, key, { dueAt, attempts, askedAt: upTo(9), ordered: this.#ordered, flow: `flow ${upTo(3)}` });
        if (present === undefined) this.#inOrder.push(asked);
        else if (isAsked)
          this.#inOrder[found] = { ...asked, attempts: present.attempts, askedAt: present.askedAt, dueAt: present.dueAt ?? dueAt };
        return { write: isAsked ? 'ask' : 'restore', delivery: asked };
      }
    }
  }

  due(dueBy: number): StoredDelivery[] {
    return this.#timed.filter(({ dueAt }) => dueAt <= dueBy);
  }

  moments(after: number): DueMoment[] {
    const later = Map.groupBy(
      this.#timed.filter(({ dueAt }) => dueAt > after),
      ({ dueAt }) => dueAt,
    );
    return Array.from(later, ([dueAt, due]) => ({
      dueAt,
      pauseMs: Math.min(...due.map(({ id, key }) => this.#pauses.get(`${id} ${key}`) ?? 0)),
    }));
  }

  nextDue(after: number): number | null {
    return this.#timed.find(({ dueAt }) => dueAt > after)?.dueAt ?? null;
  }

  clear(): DeliveryWrite[] {
    return this.#inOrder.map(({ key, id }) => ({ write: 'remove', endpoint: 'mail', key, id }));
  }

  /** Deliveries that do not wait and have a moment, in its order; those of one moment in the order requested. */
  get #timed(): (StoredDelivery & { readonly dueAt: number })[] {
    const isFirst = ({ key }: StoredDelivery, at: number) => this.#inOrder.findIndex((other) => other.key === key) === at;
    return this.#inOrder
      .filter((one, at) => !one.ordered || isFirst(one, at))
      .flatMap((one) => (one.dueAt === null ? [] : [{ ...one, dueAt: one.dueAt }]))
      .toSorted((a, b) => a.dueAt - b.dueAt);
  }
}
