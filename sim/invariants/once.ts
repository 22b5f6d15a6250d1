import type { AppliedTurn, Ledger } from '../ledger.ts';
import type { Evidence, NamedEvent } from './evidence.ts';
import { titleOf } from './log.ts';

/** Promise 2: every accepted event has taken effect once, or waits, or is a dead letter. accepted = applied + waiting + dead. */
export function checkOnce({ witness, events, turns, letters }: Evidence, { resolved }: Ledger, say: (broken: string) => void): void {
  const applied = new Map<string, number>();
  for (const turn of Array.from(turns.values()).flat()) {
    if (turn.cause.kind !== 'event') continue;
    const title = titleOf({ key: turn.key, name: turn.cause.name });
    applied.set(title, (applied.get(title) ?? 0) + 1);
  }
  const dead = new Set(letters.flatMap(({ partition, event }) => (event === null ? [] : [`${partition.slice}/${event.position}`])));
  const discarded = new Set(
    resolved
      .filter(({ pipeline, what, how }) => pipeline === witness.pipeline && what === 'event' && how === 'discarded')
      .map((one) => titleOf(one)),
  );
  for (const event of events) {
    const title = titleOf(event);
    const times = applied.get(title) ?? 0;
    applied.delete(title);
    const isDead = dead.has(`${event.slice}/${event.position}`);
    const isPassedOver = () => discarded.has(title) || isIgnored(event, turns);
    if (times > 1) say(`event ${title} took effect ${times} times`);
    else if (times === 1 && event.isWaiting) say(`event ${title} took effect and still waits`);
    else if (times === 1 && isDead) say(`event ${title} took effect and is a dead letter`);
    else if (times === 0 && !event.isWaiting && !isDead && !isPassedOver()) say(`event ${title} is settled without effect`);
  }
  for (const title of applied.keys()) say(`event ${title} took effect and is not in the log`);

  function isIgnored(event: NamedEvent, all: ReadonlyMap<string, readonly AppliedTurn[]>): boolean {
    return witness.isIgnored?.(event, all.get(event.key) ?? []) ?? false;
  }
}
