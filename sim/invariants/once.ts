import { lettersOf } from '../../src/store/letters-of.ts';
import type { AppliedTurn, Ledger } from '../ledger.ts';
import type { Evidence, NamedEvent } from './evidence.ts';
import { titleOf } from './log.ts';

/** Promise 2: every accepted event has taken effect once, or waits, or is a dead letter. accepted = applied + waiting + dead. */
export function checkOnce(evidence: Evidence, ledger: Ledger, say: (broken: string) => void): void {
  const { witness, events, letters } = evidence;
  const applied = timesApplied(Array.from(evidence.turns.values()).flat());
  const dead = new Set(lettersOf('event', letters).map(({ partition, event }) => `${partition.slice}/${event.position}`));
  const discarded = discardedOf(witness.pipeline, ledger);
  for (const event of events) {
    const title = titleOf(event);
    const isDead = dead.has(`${event.slice}/${event.position}`);
    const mayBePassedOver = isDead || discarded.has(title) || isIgnored(event, evidence);
    const wrong = wrongOf(event, { times: applied.get(title) ?? 0, isDead, mayBePassedOver });
    applied.delete(title);
    if (wrong !== undefined) say(`event ${title} ${wrong}`);
  }
  for (const title of applied.keys()) say(`event ${title} took effect but is not in the log`);
}

interface Fate {
  /** Number of times it took effect. */
  readonly times: number;
  readonly isDead: boolean;
  /** True if it may be settled without effect. */
  readonly mayBePassedOver: boolean;
}

function wrongOf({ isWaiting }: NamedEvent, { times, isDead, mayBePassedOver }: Fate): string | undefined {
  if (times > 1) return `took effect ${times} times`;
  if (times === 0) return isWaiting || mayBePassedOver ? undefined : 'is settled without effect';
  if (isWaiting) return 'took effect and still waits';
  return isDead ? 'took effect and is a dead letter' : undefined;
}

/** By title. */
function timesApplied(turns: readonly AppliedTurn[]): Map<string, number> {
  const applied = new Map<string, number>();
  for (const { key, cause } of turns) {
    if (cause.kind !== 'event') continue;
    const title = titleOf({ key, name: cause.name });
    applied.set(title, (applied.get(title) ?? 0) + 1);
  }
  return applied;
}

function discardedOf(pipeline: string, { resolved }: Ledger): ReadonlySet<string> {
  const own = resolved.filter((one) => one.pipeline === pipeline && one.what === 'event' && one.how === 'discarded');
  return new Set(own.map((one) => titleOf(one)));
}

function isIgnored(event: NamedEvent, { witness, turns }: Evidence): boolean {
  return witness.isIgnored?.(event, turns.get(event.key) ?? []) ?? false;
}
