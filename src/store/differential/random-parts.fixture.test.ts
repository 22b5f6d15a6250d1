import { add, delivery, disarm, outcome, put, timer, update } from '../contract/fixtures.ts';
import type { DeliveryWrite, OutcomeWrite, RowWrite, TimerWrite } from '../store.ts';
import type { Chance } from './chance.fixture.test.ts';

/** Few keys, so that calls meet. Their order by bytes differs from their alphabetical order. */
export const keys = ['a', 'B', 'é'] as const;
/** Possible origins of events. */
export const origins = ['{"row":1}', '{"row":"é"}'] as const;
/** One ordered and one unordered endpoint: all deliveries of an endpoint are alike in this. */
export const endpoints = ['mail', 'sms'] as const;

export function randomTimer(chance: Chance): TimerWrite {
  const [key, name] = [chance.one(keys), chance.one(['wake', 'Wake', 'é'])];
  if (chance.upTo(3) === 1) return disarm(key, name);
  return { ...timer(key, name, chance.upTo(40), chance.one([null, '1'])), ...randomAttempts(chance) };
}

export function randomOutcome(chance: Chance): OutcomeWrite {
  const [key, endpoint, id] = [chance.one(keys), chance.one(endpoints), chance.one(['wake', 'é'])];
  if (chance.upTo(3) === 1) return { kind: 'outcome', key, endpoint, id, dueAt: null };
  return outcome(key, id, chance.upTo(40), { endpoint, data: JSON.stringify(chance.upTo(100)), ...randomAttempts(chance) });
}

function randomAttempts(chance: Chance) {
  return { attempts: chance.upTo(3) - 1, retryAt: chance.one([null, chance.upTo(40)]) };
}

export function randomDelivery(chance: Chance): DeliveryWrite {
  const [endpoint, key, id] = [chance.one(endpoints), chance.one(keys), `call ${chance.upTo(4)}`];
  const facts = { attempts: chance.upTo(3) - 1, dueAt: chance.one([null, chance.upTo(40), chance.upTo(40)]) };
  const write = chance.one(['ask', 'ask', 'restore', 'retry', 'remove'] as const);
  if (write === 'remove') return { write, endpoint, key, id };
  if (write === 'retry') {
    const failed = chance.upTo(2) === 1 && { failure: { at: chance.upTo(40), reason: `answered ${chance.upTo(5)}` } };
    return { write, endpoint, key, id, ...facts, pauseMs: chance.upTo(9), ...failed };
  }
  const body = JSON.stringify(chance.upTo(100));
  const more = { endpoint, ordered: endpoint === 'mail', body, url: chance.one([null, 'https://example.com/']), askedAt: chance.upTo(40) };
  const flow = chance.one([`key ${key}`, 'address é']);
  return { write, delivery: delivery(id, key, { ...more, ...facts, flow }) };
}

export function randomRow(chance: Chance): RowWrite {
  const id = chance.one(keys);
  const number = chance.upTo(4);
  const account = [id, number, chance.one([null, number / 2]), chance.one([null, 0, 1]), chance.one([null, '{}'])];
  const seat = [id, number, chance.one(['free', 'taken'])];
  return chance.one([
    put('accounts', account),
    add('accounts', account),
    update('accounts', ['balance', 'id'], [number, id]),
    add('history', [`what ${number}`], [`what ${number}`]),
    put('seats', seat),
    add('seats', seat),
    update('seats', ['number', 'state', 'group'], [number, 'sold', id]),
  ]);
}
