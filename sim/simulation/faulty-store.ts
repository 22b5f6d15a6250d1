import { type ErrorCode, MillraceError } from '../../src/errors.ts';
import type { Chance } from '../../src/store/differential/chance.fixture.test.ts';
import type { Lease, Store } from '../../src/store/store.ts';
import type { FaultRates } from './program.ts';
import type { Scheduler } from './scheduler.ts';

export type Fault = keyof FaultRates;

/** The fate of one life's calls. */
export interface Fate {
  /** Makes the call once the process is awake. For a dead process nothing happens: it learns nothing more, and its pending calls have no effect. */
  act(run: () => void | Promise<void>): void | Promise<void>;
  /** The fault of the next call; undefined for none. */
  next(method: string): Fault | undefined;
  /** The process dies here. */
  crash(): void;
  isDead(): boolean;
  /** Subscribes to new rows in the inbox; undefined in a program without one. */
  readonly listenToInbox: ((grown: () => void) => () => void) | undefined;
  /** Returns whether a call is barred because another process has taken the store without this one knowing. */
  isBarred(method: string, given: readonly unknown[]): boolean;
  met(fault: Fault, method: string): void;
}

const codesOfFaults: ReadonlySet<ErrorCode> = new Set([
  'MILL_STORE_UNAVAILABLE',
  'MILL_STORE_BUSY',
  'MILL_STORE_FULL',
  'MILL_STORE_FENCED',
  'MILL_STORE_LEASED',
]);

/**
 * Returns whether a fault or a take-over may cause the error; any other error is a bug of the engine, however well it restarts afterwards.
 */
export function isOfFault(error: unknown): boolean {
  return error instanceof MillraceError && codesOfFaults.has(error.code);
}

/**
 * The store and its leases as a process sees them, derived from all calls of the port: each call takes effect some time later and
 * is answered some time after that, both in the order that the scheduler decides, and may meet a fault on the way. An announcement
 * arrives some time later, or never. A notification of inbox rows always arrives eventually.
 */
export function faultyStore(
  base: Store,
  fate: Fate,
  { scheduler, chance }: { readonly scheduler: Scheduler; readonly chance: Chance },
): Store {
  const meet = (method: string, given: readonly unknown[], call: () => Promise<unknown>) =>
    new Promise((resolve, reject) => {
      const fault = fate.next(method);
      if (fault !== undefined) fate.met(fault, method);
      const later = (label: string, run: () => void | Promise<void>) => scheduler.add(`${method} ${label}`, () => fate.act(run));
      const refuse = (code: ErrorCode) => later('is refused', () => reject(new MillraceError(code, `${method}: ${code}, by the dice`)));
      const takeEffect = (answered: (answer: () => void) => void) =>
        later('takes effect', () => {
          if (fate.isBarred(method, given)) return refuse('MILL_STORE_UNAVAILABLE');
          return call().then(
            (value) => answered(() => resolve(value)),
            (error: unknown) => answered(() => reject(error)),
          );
        });
      const answerLater = (answer: () => void) => later('is answered', answer);
      switch (fault) {
        case 'failsBefore':
          return refuse('MILL_STORE_UNAVAILABLE');
        case 'failsAfter':
          return takeEffect(() => refuse('MILL_STORE_UNAVAILABLE'));
        case 'busy':
          return refuse('MILL_STORE_BUSY');
        case 'full':
          return refuse('MILL_STORE_FULL');
        case 'crashBefore':
          return later('meets the end', () => fate.crash());
        case 'crashAfter':
          return takeEffect(() => later('meets the end', () => fate.crash()));
        case 'delayed': {
          const delayMs = chance.upTo(2_000);
          return takeEffect((answer) => void scheduler.clock.after(delayMs, () => answerLater(answer)));
        }
        default:
          return takeEffect(answerLater);
      }
    });
  const meeting = <T extends object>(port: T, own: Partial<T>): T =>
    new Proxy(port, {
      get(target, name) {
        if (name === 'inbox') return own[name as keyof T];
        const member = Reflect.get(own, name) ?? Reflect.get(target, name);
        if (name === 'commands' && member !== undefined) return meeting(member as object, {});
        if (typeof member !== 'function' || Object.hasOwn(own, name)) return member;
        return (...given: unknown[]) => meet(String(name), given, () => Reflect.apply(member, target, given));
      },
    });
  const claim: Store['claim'] = async (partition) => {
    return meeting((await meet('claim', [partition], () => base.claim(partition))) as Lease, {});
  };
  const arrives = (tell: () => void) => {
    if (chance.upTo(4) > 1) scheduler.add('an announcement arrives', () => fate.act(tell));
  };
  const listen: Store['listen'] = ({ appended, rollChanged }) =>
    base.listen({ appended: (partition) => arrives(() => appended(partition)), rollChanged: () => arrives(rollChanged) });
  const { listenToInbox } = fate;
  const inbox = listenToInbox && base.inbox;
  const told = (grown: () => void) => () => {
    if (!fate.isDead()) scheduler.add('the inbox is told of', () => fate.act(grown));
  };
  const met = inbox && meeting(inbox, { listen: (grown) => listenToInbox(told(grown)) });
  return meeting(base, { claim, listen, inbox: met });
}
