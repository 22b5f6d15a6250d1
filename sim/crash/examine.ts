import type { Store } from '../../src/store/store.ts';
import { checkInvariants } from '../invariants.ts';
import type { Ledger } from '../ledger.ts';
import type { Call, Life } from './book.ts';
import { checkAccounts } from './checks/accounts.ts';
import { checkEvents } from './checks/events.ts';
import { checkMessages } from './checks/messages.ts';
import { checkRockets } from './checks/rockets.ts';
import { withTimelines } from './declaration.ts';
import type { Loads, Plan } from './loads/loads.ts';

/** The facts known at the end of a life. They do not change during the next one. */
export interface Page {
  readonly ledger: Ledger;
  readonly calls: readonly Call[];
  readonly lives: readonly Life[];
  readonly plan: Plan;
}

export interface Examination {
  readonly page: Page;
  readonly loads: Loads;
  /** The time at which everything had come to rest; undefined if it had not. */
  readonly settledAt?: number | undefined;
  /** True if the latest acknowledged events may be lost, or were lost and sent again. */
  readonly isCut?: boolean;
}

/** Compares the database of an ended server with everything known. Returns the violations. */
export async function examine(store: Store, { page, loads, settledAt, isCut = false }: Examination): Promise<readonly string[]> {
  const { calls, lives, plan } = page;
  const check = { calls, lives, rows: plan.rows, contents: loads.messages.contents, isSettled: settledAt !== undefined, isCut };
  return [...(await examineWitnessed(store, { page, loads, settledAt, isCut })), ...(await checkMessages(store, check))];
}

/** Does the same without the messages, which cannot be judged without the calls that arrived. */
export async function examineWitnessed(store: Store, { page, loads, settledAt, isCut }: Examination): Promise<readonly string[]> {
  const ledger = { ...page.ledger, witnesses: withTimelines(page.ledger.witnesses, store) };
  const broken = [
    await checkInvariants(ledger, store, settledAt === undefined ? {} : { settledAt }),
    await checkRockets(loads.rockets, store),
    await checkEvents(loads.events, store),
    await checkAccounts(store, { acknowledged: isCut ? nothing : loads.accounts.acknowledged, isSettled: settledAt !== undefined }),
  ];
  return broken.flat();
}

/** After a cut, acknowledged events may have been taken in again later. */
const nothing: ReadonlyMap<string, number> = new Map();
