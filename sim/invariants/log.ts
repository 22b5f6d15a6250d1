import type { Ingest, Ledger } from '../ledger.ts';
import type { Evidence, NamedEvent } from './evidence.ts';

/**
 * Promises 1 and 10: everything accepted is in the log, once; nothing refused is; and the store's own sums are right.
 */
export function checkLog({ witness, slices, events, letters }: Evidence, ledger: Ledger, say: (broken: string) => void): void {
  for (const { partition, standing, held } of slices) {
    const own = events.filter(({ slice }) => slice === partition.slice);
    if (standing.head !== own.length) say(`slice ${partition.slice}: the log ends at ${standing.head} but has ${own.length} events`);
    const gap = own.findIndex(({ position }, at) => position !== at + 1);
    if (gap !== -1) say(`slice ${partition.slice}: expected position ${gap + 1}, found ${own[gap]?.position}`);
    if (standing.cursor > standing.head)
      say(`slice ${partition.slice}: the cursor, ${standing.cursor}, is beyond the log's end, ${standing.head}`);
    if (standing.held !== held.length) say(`slice ${partition.slice}: ${held.length} events are held, but counted as ${standing.held}`);
    const dead = letters.filter((letter) => letter.partition.slice === partition.slice).length;
    if (standing.deadLetters !== dead)
      say(`slice ${partition.slice}: ${dead} dead letters are listed, but counted as ${standing.deadLetters}`);
  }
  const logged = Map.groupBy(events, titleOf);
  for (const [title, all] of logged) if (all.length > 1) say(`event ${title} is in the log ${all.length} times`);
  const tries = Map.groupBy(
    ledger.ingests.filter(({ pipeline }) => pipeline === witness.pipeline),
    titleOf,
  );
  for (const [title, all] of tries) checkAnswers(title, all, { isLogged: logged.has(title), say });
}

/** Identifies an event of a pipeline: the same name may stand for different events in different keys. */
export function titleOf({ key, name }: Pick<NamedEvent | Ingest, 'key' | 'name'>): string {
  return JSON.stringify([key, name]);
}

function checkAnswers(
  title: string,
  tries: readonly Ingest[],
  { isLogged, say }: { readonly isLogged: boolean; readonly say: (broken: string) => void },
): void {
  const answers = new Set(tries.map(({ answer }) => answer));
  const accepted = tries.filter(({ answer }) => answer === 'accepted');
  if (accepted.length > 1) say(`event ${title} was answered accepted ${accepted.length} times`);
  if (!isLogged && accepted.length === 1) say(`event ${title} was accepted but is lost`);
  else if (!isLogged && answers.has('duplicate')) say(`event ${title} was reported as a duplicate but is not in the log`);
  if (isLogged && answers.isSubsetOf(neverTaken)) say(`event ${title} was refused (${Array.from(answers).join(', ')}) but is in the log`);
  const [first] = accepted;
  const early = tries.find(({ answer, ended }) => answer === 'duplicate' && first !== undefined && ended < first.began);
  if (early !== undefined) say(`event ${title} was reported as a duplicate before it was accepted`);
}

const neverTaken: ReadonlySet<string> = new Set(['refused', 'late']);
