import { lettersOf } from '../../src/store/letters-of.ts';
import type { KeyRecord, PartitionId, Store } from '../../src/store/store.ts';
import type { ArrivedCall, Ledger, LedgerEndpoint } from '../ledger.ts';
import { deliveriesOf, hasArrived, type ToldDelivery } from './deliveries.ts';
import type { Evidence } from './evidence.ts';

interface RestContext {
  readonly store: Store;
  /** Milliseconds since 1970. */
  readonly settledAt: number;
  say(broken: string): void;
}

/**
 * Promises 2, 5, 6, 8 at rest: everything that still waits has a reason that only an outsider can remove. An event: its key is parked, or
 * an earlier number is missing. A timer or outcome: its key is parked. A delivery: its pipeline must request it again.
 */
export async function checkRest(evidence: Evidence, ledger: Ledger, context: RestContext): Promise<void> {
  const { say } = context;
  for (const event of evidence.events) {
    if (event.isWaiting && !maybeWaits(evidence, event.key)) say(`event ${event.name} of key ${event.key} waits for nothing`);
  }
  for (const { partition } of evidence.slices) await checkDue(evidence, partition, context);
  checkDeliveriesAtRest(evidence, ledger, say);
}

async function checkDue({ witness, keys }: Evidence, partition: PartitionId, { store, settledAt, say }: RestContext): Promise<void> {
  for (const cause of await store.dueCauses(partition, settledAt, 1_000)) {
    if (keys.get(cause.key)?.parked === true) continue;
    if (cause.kind === 'timer') say(`timer ${cause.name} of key ${cause.key} is due and has not fired`);
    else say(`key ${cause.key} was not notified of the outcome of delivery ${cause.id} to ${cause.endpoint}`);
  }
  for (const { name } of witness.endpoints) {
    for (const { id, key } of await store.dueDeliveries(partition, name, settledAt, 1_000))
      say(`delivery ${id} of key ${key} to ${name} is due and has not been made`);
  }
}

/** Checks held events and events reported as waiting for a number in the same way, for a store that somebody is working on. */
export async function checkHeldAtRest(
  store: Store,
  { partition, hasGaps }: { readonly partition: PartitionId; readonly hasGaps: boolean },
  say: (broken: string) => void,
): Promise<void> {
  const keys = await store.heldKeys(partition, null, 1_000);
  const records = await store.load(partition, keys);
  for (const [at, record] of records.entries()) {
    if (!mayWait(record, hasGaps)) say(`an event of key ${keys[at]} waits for nothing`);
  }
  for (const { key, next } of await store.gaps(partition, { limit: 1_000 })) {
    const record = records[keys.indexOf(key)];
    const isMissing = record?.heldFrom != null && !record.parked && (record.next ?? 1) === next && record.heldFrom > next;
    if (!isMissing) say(`key ${key} is reported to wait for number ${next}, but does not`);
  }
}

function mayWait({ parked, heldFrom, next }: KeyRecord, hasGaps: boolean): boolean {
  return parked || (hasGaps && heldFrom !== null && heldFrom > (next ?? 1));
}

function maybeWaits({ witness, keys }: Evidence, key: string): boolean {
  const record = keys.get(key);
  return record !== undefined && mayWait(record, witness.numbered && witness.skipsGaps !== true);
}

function checkDeliveriesAtRest(evidence: Evidence, ledger: Ledger, say: (broken: string) => void): void {
  const { witness, turns, slices, keys } = evidence;
  const isComplete = Array.from(turns.values()).every((own) => own.every(({ asked }) => asked !== undefined));
  // A parked key has yet to be notified of the results of its requests.
  if (!isComplete || Array.from(keys.values()).some(({ parked }) => parked)) return;
  const given = givenUpOf(evidence, ledger);
  const open = openDeliveries(evidence).filter(({ key, endpoint, id }) => !given.has(JSON.stringify([key, endpoint.name, id])));
  for (const { key, endpoint, id, status } of open) {
    const isMade = () =>
      hasArrived(ledger.calls.filter((call) => isOf(call, witness.pipeline, endpoint.name) && call.key === key && call.id === id));
    if (endpoint.isTold && status !== 'failed') say(`key ${key} was never notified of the fate of delivery ${id} to ${endpoint.name}`);
    if (!endpoint.isTold && !isMade()) say(`delivery ${id} of key ${key} to ${endpoint.name} was never made`);
  }
  const waiting = open.filter(({ endpoint }) => endpoint.isTold).length;
  const kept = slices.reduce((sum, { standing }) => sum + standing.deliveries, 0);
  if (given.size === 0 && kept !== waiting) say(`the store keeps ${kept} deliveries, but ${waiting} wait for their pipeline`);
}

const isOf = (call: ArrivedCall, pipeline: string, endpoint: string) => call.pipeline === pipeline && call.endpoint === endpoint;

/** Returns the requested deliveries that have no outcome as far as their key knows. */
function openDeliveries({
  witness,
  turns,
}: Evidence): readonly (ToldDelivery & { readonly key: string; readonly endpoint: LedgerEndpoint })[] {
  return witness.endpoints.flatMap((endpoint) =>
    Array.from(turns).flatMap(([key, own]) =>
      Array.from(deliveriesOf(own, endpoint).values())
        .filter(({ isOpen }) => isOpen)
        .map((delivery) => ({ ...delivery, key, endpoint })),
    ),
  );
}

/** Returns deliveries that were given up, or whose notification was, by key, endpoint and id. */
function givenUpOf({ witness, letters }: Evidence, { resolved }: Ledger): ReadonlySet<string> {
  const own = resolved.filter((one) => one.pipeline === witness.pipeline && (one.what === 'outcome' || one.what === 'delivery'));
  const names = [
    ...own.map(({ key, name }) => ({ key, name })),
    ...lettersOf('outcome', letters).map(({ key, outcome }) => ({ key, name: `${outcome.endpoint}/${outcome.id}` })),
    ...lettersOf('delivery', letters).map(({ key, delivery }) => ({ key, name: `${delivery.endpoint}/${delivery.id}` })),
  ];
  return new Set(names.map(({ key, name }) => deliveryNameOf(key, name)));
}

function deliveryNameOf(key: string, name: string): string {
  const at = name.indexOf('/');
  return JSON.stringify([key, name.slice(0, at), name.slice(at + 1)]);
}
