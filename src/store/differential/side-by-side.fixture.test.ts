import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { MillraceError } from '../../errors.ts';
import type { Lease, Store } from '../store.ts';

type Outcome = { readonly answer: unknown } | { readonly refused: MillraceError };

/** Calls that change something. A failing run prints these, and the call that revealed the difference. */
const changing = new Set<PropertyKey>([
  'open',
  'close',
  'claim',
  'append',
  'commit',
  'prune',
  'forget',
  'noteAudit',
  'setPaused',
  'forgetAudit',
]);

/**
 * Each store decides how many ids a call of `prune` forgets: old ones "may be forgotten, and eventually are". The next read of the log
 * shows what was deleted from it.
 */
const isOpen = (call: PropertyKey) => call === 'prune';

/**
 * Several stores as one: each call goes to all of them, one after another, and they must give the same answer, or refuse it with the same
 * code. The caller gets the first one's answer or error. Their leases are combined likewise.
 */
export function sideBySide(run: string, stores: readonly [Store, ...Store[]]): Store {
  return together({ run, kinds: stores.map(({ kind }) => kind), told: [] }, stores);
}

interface Run {
  readonly run: string;
  /** The kinds of the stores. */
  readonly kinds: readonly string[];
  /** The calls so far that changed something. */
  readonly told: string[];
}

function together<T extends object>({ run, kinds, told }: Run, all: readonly [T, ...T[]]): T {
  return new Proxy(all[0], {
    get(first, name) {
      const property: unknown = Reflect.get(first, name, first);
      if (typeof property !== 'function') return property;
      return async (...parameters: readonly unknown[]) => {
        const call = `${String(name)}(${parameters.map((parameter) => JSON.stringify(parameter)).join(', ')})`;
        const expected = await outcomeOf(first, name, parameters);
        const leases = 'answer' in expected && name === 'claim' ? [expected.answer as Lease] : [];
        for (const [at, one] of all.slice(1).entries()) {
          const found = await outcomeOf(one, name, parameters);
          if ('answer' in found && name === 'claim') leases.push(found.answer as Lease);
          if (isOpen(name)) continue;
          if (isDeepStrictEqual(comparable(found), comparable(expected))) continue;
          const where = [`${run}: expected of ${kinds[at + 1]} what ${kinds[0]} answers to the last of`, ...told, call].join('\n  ');
          assert.fail(`${where}\n${difference(found, expected)}`);
        }
        if (changing.has(name)) told.push(call);
        if ('refused' in expected) throw expected.refused;
        const [lease, ...others] = leases;
        return lease === undefined ? expected.answer : together({ run, kinds, told }, [lease, ...others]);
      };
    },
  });
}

async function outcomeOf(store: object, name: PropertyKey, parameters: readonly unknown[]): Promise<Outcome> {
  const method: unknown = Reflect.get(store, name, store);
  assert.ok(typeof method === 'function');
  try {
    return { answer: await Reflect.apply(method, store, parameters) };
  } catch (thrown) {
    if (thrown instanceof MillraceError) return { refused: thrown };
    throw thrown;
  }
}

/** The wording of a refusal may differ, but its code is the port's. Leases are compared by their standing. */
function comparable(outcome: Outcome): unknown {
  if ('refused' in outcome) return { refused: outcome.refused.code };
  const { answer } = outcome;
  return typeof answer === 'object' && answer !== null && 'standing' in answer ? { standing: answer.standing } : outcome;
}

function difference(found: Outcome, expected: Outcome): string {
  return `expected ${JSON.stringify(comparable(expected))}\nfound    ${JSON.stringify(comparable(found))}`;
}
