import { isDeepStrictEqual } from 'node:util';
import type { Ledger } from '../ledger.ts';
import type { Evidence } from './evidence.ts';

/** Promise 2: the state is the fold of the applied events. */
export function checkState({ witness, keys, turns }: Evidence, _ledger: Ledger, say: (broken: string) => void): void {
  if (witness.fold === undefined) return;
  for (const [key, { state }] of keys) {
    const expected = witness.fold(turns.get(key) ?? []);
    const found = state === null ? undefined : JSON.parse(state.json);
    if (!isDeepStrictEqual(found, expected)) {
      say(`key ${key}: the state is ${JSON.stringify(found)}, but its turns make ${JSON.stringify(expected)}`);
    }
  }
}
