import type { AppliedTurn, ArrivedCall, Ledger, LedgerEndpoint } from '../ledger.ts';
import type { Evidence } from './evidence.ts';

/**
 * Promise 6: a call is made only if a turn requested it, and never again once its success was recorded; in order if the endpoint requires it;
 * and each key is notified once of each delivery's outcome.
 */
export function checkDeliveries({ witness, turns }: Evidence, ledger: Ledger, say: (broken: string) => void): void {
  const calls = ledger.calls.filter(({ pipeline }) => pipeline === witness.pipeline);
  const redriven = redrivenOf(witness.pipeline, ledger);
  for (const endpoint of witness.endpoints) {
    const byKey = Map.groupBy(
      calls.filter((call) => call.endpoint === endpoint.name),
      ({ key }) => key,
    );
    for (const key of new Set([...turns.keys(), ...byKey.keys()])) {
      const tell = (broken: string) => say(`key ${key}, endpoint ${endpoint.name}: ${broken}`);
      const own = turns.get(key) ?? [];
      if (own.some(({ asked }) => asked === undefined)) continue;
      const context = { isRedriven: (id: string) => redriven.has(nameOf(key, endpoint.name, id)), say: tell };
      checkCalls(deliveriesOf(own, endpoint, context), byKey.get(key) ?? [], { ...context, endpoint });
    }
  }
}

/** A delivery under one id, according to the turns of its key. */
export interface ToldDelivery {
  readonly id: string;
  /** Number of times it was requested anew: a repeated request before the outcome counts as the same one. */
  times: number;
  /** True until its final outcome. */
  isOpen: boolean;
  /** The key's latest notification; undefined if there was none. */
  status: string | undefined;
  /** The life in which its success was recorded. */
  recorded: number | undefined;
}

interface DeliveryContext {
  isRedriven(id: string): boolean;
  say(broken: string): void;
}

/** In the order first requested. */
export function deliveriesOf(
  turns: readonly AppliedTurn[],
  { name, isTold }: LedgerEndpoint,
  { isRedriven, say }: DeliveryContext = { isRedriven: () => true, say: () => undefined },
): ReadonlyMap<string, ToldDelivery> {
  const deliveries = new Map<string, ToldDelivery>();
  for (const { cause, life, asked = [] } of turns) {
    if (cause.kind === 'outcome' && cause.endpoint === name) {
      const delivery = deliveries.get(cause.id);
      if (delivery === undefined) say(`the key was notified of ${cause.id}, which was never requested`);
      else conclude(delivery, cause.status, { life, isRedriven, say });
    }
    for (const { endpoint, id } of asked) {
      if (endpoint !== name) continue;
      const delivery = deliveries.get(id) ?? { id, times: 0, isOpen: false, status: undefined, recorded: undefined };
      if (!delivery.isOpen || !isTold) delivery.times += 1;
      delivery.isOpen = true;
      deliveries.set(id, delivery);
    }
  }
  return deliveries;
}

function conclude(
  delivery: ToldDelivery,
  status: string,
  { life, isRedriven, say }: DeliveryContext & { readonly life: number | undefined },
): void {
  // A key that can already be notified of the outcome does not learn of the redrive.
  if (status !== 'redriven' && !delivery.isOpen && !isRedriven(delivery.id))
    say(`the key was notified that ${delivery.id} was ${status} after its outcome`);
  if (status === 'redriven') delivery.times += 1;
  delivery.isOpen = status === 'redriven' || status === 'failed';
  delivery.status = status;
  delivery.recorded = status === 'delivered' ? life : undefined;
}

interface CallContext extends DeliveryContext {
  readonly endpoint: LedgerEndpoint;
}

function checkCalls(deliveries: ReadonlyMap<string, ToldDelivery>, calls: readonly ArrivedCall[], context: CallContext): void {
  const { endpoint, isRedriven, say } = context;
  const byId = Map.groupBy(calls, ({ id }) => id);
  for (const [id, own] of byId) {
    const delivery = deliveries.get(id);
    if (delivery === undefined) say(`${id} was called but never requested`);
    else if (!isRedriven(id)) checkRepeats(delivery, own, say);
  }
  for (const { id, status } of deliveries.values()) {
    if (status !== 'delivered' || isRedriven(id)) continue;
    if (!hasArrived(byId.get(id))) say(`the key was notified that ${id} was delivered, but no call of it was`);
  }
  if (endpoint.isOrdered) checkCallOrder(deliveries, calls, { isRedriven, say });
}

/** Returns whether one of the calls was answered as delivered. */
export function hasArrived(calls: readonly ArrivedCall[] | undefined): boolean {
  return calls?.some(({ result }) => result === 'delivered') ?? false;
}

function checkRepeats({ id, times, recorded }: ToldDelivery, calls: readonly ArrivedCall[], say: (broken: string) => void): void {
  for (const [life, made] of Map.groupBy(calls, (call) => call.life)) {
    const arrived = made.filter(({ result }) => result === 'delivered').length;
    if (arrived > times) say(`${id} was requested ${times} times but delivered ${arrived} times in life ${life}`);
    if (times === 1 && life > (recorded ?? life)) say(`${id} was called again after its success was recorded`);
    for (const final of ['refused', 'doubtful']) {
      const answered = made.findIndex(({ result }) => result === final);
      if (times === 1 && answered !== -1 && answered < made.length - 1) say(`${id} was called again after it was ${final}`);
    }
  }
}

/** Checks that calls follow the turn order. A delivery requested again goes behind all others. */
function checkCallOrder(
  deliveries: ReadonlyMap<string, ToldDelivery>,
  calls: readonly ArrivedCall[],
  { isRedriven, say }: Omit<CallContext, 'endpoint'>,
): void {
  const places = new Map(Array.from(deliveries.keys(), (id, place) => [id, place]));
  let last: { readonly id: string; readonly place: number; readonly life: number } | undefined;
  for (const { id, life } of calls) {
    const place = places.get(id);
    if (place === undefined || isRedriven(id) || deliveries.get(id)?.times !== 1) continue;
    // A process that lost the store without knowing may still call; the result has no effect.
    if (last !== undefined && life < last.life) continue;
    if (last !== undefined && place < last.place) say(`${id} was called after ${last.id}, which was requested later`);
    last = { id, place, life };
  }
}

/** Returns deliveries that an operator has redriven or discarded. */
function redrivenOf(pipeline: string, { resolved }: Ledger): ReadonlySet<string> {
  const own = resolved.filter((one) => one.pipeline === pipeline && one.what === 'delivery');
  return new Set(own.map(({ key, name }) => `${JSON.stringify(key)} ${name}`));
}

const nameOf = (key: string, endpoint: string, id: string): string => `${JSON.stringify(key)} ${endpoint}/${id}`;
