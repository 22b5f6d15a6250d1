import assert from 'node:assert/strict';
import { MillraceError } from '../../errors.ts';
import type { Store } from '../store.ts';

type Outcome = { readonly answer: unknown } | { readonly refused: MillraceError };

/** Calls that change something. A failing run prints these and the call that shows the difference. */
const changing = new Set<PropertyKey>(['open', 'close', 'claim', 'append', 'commit', 'prune', 'forget']);

/**
 * How many ids a call of `prune` forgets is the store's own: old ones "may be forgotten, and in the end are". What went of
 * the log shows when it is read next.
 */
const isOpen = (call: PropertyKey) => call === 'prune';

/**
 * Several stores as one: each call goes to all of them, one after the other, and they must answer the same, or refuse it
 * with the same code. Answers and throws as the first does.
 */
export function sideBySide(run: string, stores: readonly [Store, ...Store[]]): Store {
  const told: string[] = [];
  return new Proxy(stores[0], {
    get(first, name) {
      const property: unknown = Reflect.get(first, name, first);
      if (typeof property !== 'function') return property;
      return async (...parameters: readonly unknown[]) => {
        const call = `${String(name)}(${parameters.map((parameter) => JSON.stringify(parameter)).join(', ')})`;
        const expected = await outcomeOf(first, name, parameters);
        for (const store of stores.slice(1)) {
          const found = await outcomeOf(store, name, parameters);
          if (isOpen(name)) continue;
          const where = [`${run}: expected of ${store.kind} what ${first.kind} answers to the last of`, ...told, call].join('\n  ');
          assert.deepEqual(comparable(found), comparable(expected), new Error(`${where}\n${difference(found, expected)}`));
        }
        if (changing.has(name)) told.push(call);
        if ('refused' in expected) throw expected.refused;
        return expected.answer;
      };
    },
  });
}

async function outcomeOf(store: Store, name: PropertyKey, parameters: readonly unknown[]): Promise<Outcome> {
  const method: unknown = Reflect.get(store, name, store);
  assert.ok(typeof method === 'function');
  try {
    return { answer: await Reflect.apply(method, store, parameters) };
  } catch (thrown) {
    if (thrown instanceof MillraceError) return { refused: thrown };
    throw thrown;
  }
}

/** A refusal says in its own words what is wrong; its code is the port's. */
function comparable(outcome: Outcome): unknown {
  return 'refused' in outcome ? { refused: outcome.refused.code } : outcome;
}

function difference(found: Outcome, expected: Outcome): string {
  return `expected ${JSON.stringify(comparable(expected))}\nfound    ${JSON.stringify(comparable(found))}`;
}
