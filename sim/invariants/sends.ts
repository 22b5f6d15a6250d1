import type { AppliedTurn, Ledger, Sent } from '../ledger.ts';
import type { Evidence, NamedEvent } from './evidence.ts';
import { titleOf } from './log.ts';

/**
 * Promises 2 and 3: each event that a turn sent is in the log, and events from one key to another are there in the order in which they were
 * sent; every event in the log was either brought in or sent.
 */
export function checkSends(evidence: readonly Evidence[], ledger: Ledger, say: (broken: string) => void): void {
  const logged = new Map<string, NamedEvent>();
  for (const { witness, events } of evidence) {
    for (const event of events) logged.set(placeOf({ pipeline: witness.pipeline, ...event }), event);
  }
  for (const { witness, turns } of evidence) {
    for (const [key, own] of turns) checkSent(sentBy(own), logged, (broken) => say(`${witness.pipeline}: key ${key}: ${broken}`));
  }
  const turns = evidence.flatMap((one) => Array.from(one.turns.values()).flat());
  if (turns.some(({ sent }) => sent === undefined)) return;
  const known = new Set([...ledger.ingests, ...(ledger.inserted ?? []), ...sentBy(turns)].map(placeOf));
  for (const place of logged.keys()) if (!known.has(place)) say(`event ${place} is in the log, but nobody brought or sent it`);
}

const sentBy = (turns: readonly AppliedTurn[]): readonly Sent[] => turns.flatMap(({ sent = [] }) => sent);

const placeOf = ({ pipeline, key, name }: Sent): string => `${pipeline} ${titleOf({ key, name })}`;

/** @param sent in the order in which they were sent */
function checkSent(sent: readonly Sent[], logged: ReadonlyMap<string, NamedEvent>, say: (broken: string) => void): void {
  const last = new Map<string, number>();
  for (const one of sent) {
    const event = logged.get(placeOf(one));
    if (event === undefined) {
      say(`it sent ${one.name} to ${one.pipeline} ${one.key}, which is lost`);
      continue;
    }
    const to = JSON.stringify([one.pipeline, one.key]);
    if (event.position < (last.get(to) ?? 0)) say(`${one.name} precedes an event that was sent earlier`);
    last.set(to, event.position);
  }
}
