import { lettersOf } from '../../src/store/letters-of.ts';
import type { DeadLetter } from '../../src/store/store.ts';
import type { Ledger, Witness } from '../ledger.ts';
import { deliveriesOf } from './deliveries.ts';
import type { Evidence } from './evidence.ts';

/**
 * Promise 9: whatever is given up is a dead letter with its reason. A key stays parked as long as a dead letter that parked it exists, so
 * that an operator can reopen it; and everything reported to a key as given up can be found.
 */
export function checkLetters(evidence: Evidence, ledger: Ledger, say: (broken: string) => void): void {
  for (const { id, reason } of evidence.letters) if (reason === '') say(`dead letter ${id} has no reason`);
  checkPatience(evidence, ledger, say);
  checkParked(evidence, say);
  checkGivenUp(evidence, ledger, say);
}

/** Checks that nothing was given up before it had all its attempts, and no number before its time. */
function checkPatience({ witness, events, letters }: Evidence, { clockJumpsMs = [] }: Ledger, say: (broken: string) => void): void {
  const { attempts = 0, skipAfterMs = 0 } = witness;
  for (const letter of letters) {
    if (isAttempted(letter, witness) && letter.attempts < attempts)
      say(`dead letter ${letter.id}: it was given up after ${letter.attempts} attempts`);
    // After a clock change nobody can tell how long the wait was.
    if (letter.kind !== 'gap' || clockJumpsMs.length > 0) continue;
    const early = String(letter.numbers.to + 1);
    const acceptedAt = events.find(({ key, name }) => key === letter.key && name === early)?.acceptedAt ?? Number.NEGATIVE_INFINITY;
    if (letter.failedAt - acceptedAt < skipAfterMs)
      say(`dead letter ${letter.id}: the numbers before ${early} were skipped after ${letter.failedAt - acceptedAt} ms`);
  }
}

/** Returns whether all attempts were due: a timer or outcome whose name a life did not declare may have had none. */
function isAttempted(letter: DeadLetter, witness: Witness): boolean {
  if (letter.kind === 'timer') return witness.wasDeclared?.(letter.timer.name) !== false;
  if (letter.kind === 'outcome') return witness.wasDeclared?.(letter.outcome.endpoint) !== false;
  return letter.kind === 'event';
}

function checkParked({ keys, letters }: Evidence, say: (broken: string) => void): void {
  const parkedBy = new Set(letters.flatMap((letter) => (letter.kind === 'event' && letter.parked ? [letter.key] : [])));
  for (const [key, { parked }] of keys) {
    if (parked && !parkedBy.has(key)) say(`key ${key} is parked, but no dead letter says why`);
    if (!parked && parkedBy.has(key)) say(`key ${key} is open, but a dead letter says that it is parked`);
  }
}

function checkGivenUp({ witness, turns, letters }: Evidence, { resolved }: Ledger, say: (broken: string) => void): void {
  const own = resolved.filter(({ pipeline, what }) => pipeline === witness.pipeline && what === 'delivery');
  const known = new Set([
    ...lettersOf('delivery', letters).map(({ key, delivery }) => nameOf(key, `${delivery.endpoint}/${delivery.id}`)),
    ...own.map(({ key, name }) => nameOf(key, name)),
  ]);
  for (const endpoint of witness.endpoints) {
    for (const [key, decided] of turns) {
      for (const { id, status } of deliveriesOf(decided, endpoint).values()) {
        if ((status === 'given up' || status === 'unknown') && !known.has(nameOf(key, `${endpoint.name}/${id}`)))
          say(`key ${key}: was notified that delivery ${id} to ${endpoint.name} was ${status}, but it is not a dead letter`);
      }
    }
  }
}

const nameOf = (key: string, name: string): string => JSON.stringify([key, name]);
