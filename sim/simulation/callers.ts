import { MillraceError, messageOf } from '../../src/errors.ts';
import type { DeadLetter } from '../../src/store/store.ts';
import type { Ingest, Inserted, Resolved } from '../ledger.ts';
import type { Life } from './life.ts';
import { nameOfRow, type OtherProgram } from './other-program.ts';
import type { Act, Step } from './program.ts';
import type { Scheduler } from './scheduler.ts';

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };
type Answer = Ingest['answer'];

/** Maximum tries of a caller that gets no answer. */
const triesMax = 8;

/** The resources of the callers. */
export interface CallersMeans {
  readonly scheduler: Scheduler;
  /** The process that answers at present. */
  life(): Life;
  broken(what: string): void;
  /** The program that inserts into the inbox, if there is one. */
  readonly other: OtherProgram | undefined;
}

/** The outside world: its callers bring events in, read, and operate, and record the answers. */
export class Callers {
  readonly ingests: Mutable<Ingest>[] = [];
  readonly resolved: Resolved[] = [];
  readonly #means: CallersMeans;
  readonly #underWay = new Set<Promise<void>>();
  #moment = 0;

  constructor(means: CallersMeans) {
    this.#means = means;
  }

  /** Resolves when every caller has an answer. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  ingest(step: Step & { readonly step: 'ingest' }): void {
    this.#begin(this.#ingest(step));
  }

  insert(step: Step & { readonly step: 'insert' }): void {
    const moment = () => {
      this.#moment += 1;
      return this.#moment;
    };
    const inserting = this.#means.other?.insert(step, moment);
    if (inserting !== undefined) this.#begin(inserting);
  }

  /** The rows that other programs have put into the inbox. */
  get inserted(): readonly Inserted[] {
    return this.#means.other?.inserted ?? [];
  }

  look(key: string): void {
    this.#begin(
      this.#tolerant(async ({ mill }) => {
        await mill.state('acts', key);
        await mill.keys('numbers', [key]);
      }),
    );
  }

  /** Redrives or discards the dead letter that `choose` picks. */
  operate(how: Resolved['how'], choose: (letters: number) => number): void {
    this.#begin(
      this.#tolerant(async (life) => {
        const letters = await life.mill.deadLetters();
        const letter = letters[choose(letters.length)];
        if (letter !== undefined) await this.resolve(life, letter, how);
      }),
    );
  }

  /** Throws the engine's error. */
  async resolve({ mill }: Life, letter: DeadLetter, how: Resolved['how']): Promise<void> {
    const { id, kind, key, partition } = letter;
    const wasParked = kind === 'event' && letter.parked;
    // The timeline shows an action with a name from the audit, and any other one from its commit.
    const by = this.resolved.length % 2 === 0 ? undefined : { who: 'operator' };
    this.resolved.push({ id, pipeline: partition.pipeline, key, what: kind, name: nameOf(letter), how, wasParked });
    await (how === 'redriven' ? mill.redrive(id, by) : mill.discard(id, by));
  }

  #begin(doing: Promise<void>): void {
    const done: Promise<void> = doing
      .catch((error: unknown) => this.#means.broken(`a caller met ${error instanceof Error ? error.stack : messageOf(error)}`))
      .finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  async #ingest({ pipeline, acts, isBatch, again }: Step & { readonly step: 'ingest' }): Promise<void> {
    let left = acts;
    for (let tries = 0; left.length > 0 && tries < triesMax; tries += 1) {
      if (tries > 0) await new Promise<void>((resolve) => this.#means.scheduler.add('a caller asks again', resolve));
      const answers = await this.#ask(pipeline, left, isBatch);
      if (!again) return;
      // An event without a name would count as another one the next time, unless it was surely refused.
      left = left.filter((act, at) => answers[at] === 'refused' || (answers[at] === 'unknown' && (act.isNamed || pipeline === 'numbers')));
      // Now and then repeats an accepted event, which is then a duplicate.
      if (left.length === 0 && tries === 1) left = acts.filter((act) => act.isNamed || pipeline === 'numbers');
    }
  }

  async #ask(pipeline: string, acts: readonly Act[], isBatch: boolean): Promise<readonly Answer[]> {
    this.#moment += 1;
    const entries = acts.map(
      ({ key, mark }): Mutable<Ingest> => ({
        pipeline,
        key,
        name: mark,
        answer: 'unknown',
        began: this.#moment,
        ended: Number.POSITIVE_INFINITY,
      }),
    );
    this.ingests.push(...entries);
    const answers = await this.#answers(pipeline, acts, isBatch);
    this.#moment += 1;
    for (const [at, entry] of entries.entries()) {
      entry.answer = answers[at] ?? 'unknown';
      entry.ended = this.#moment;
      entry.answeredAt = this.#means.scheduler.clock.now();
    }
    return answers;
  }

  async #answers(pipeline: string, acts: readonly Act[], isBatch: boolean): Promise<readonly Answer[]> {
    const life = this.#means.life();
    const { mill, died } = life;
    try {
      if (isBatch) {
        const judged = await Promise.race([mill.ingestBatch(pipeline, acts), died]);
        return judged.map((one) => (one.status === 'rejected' ? this.#answerOf(one.error) : one.status));
      }
      return [(await Promise.race([mill.ingest(pipeline, acts[0]), died])).status];
    } catch (error) {
      const isNotThere = error instanceof MillraceError && error.code === 'MILL_NOT_FOUND' && !life.isDeclared(pipeline);
      return acts.map(() => (isNotThere ? 'refused' : this.#answerOf(error)));
    }
  }

  /** Derives the answer about the event from an error. */
  #answerOf(error: unknown): Answer {
    if (!(error instanceof MillraceError)) return 'unknown';
    if (error.code === 'MILL_EVENT_TOO_LATE') return 'late';
    if (error.code === 'MILL_STORE_UNAVAILABLE') return 'unknown';
    if (error.code === 'MILL_INTERNAL' || error.status < 500)
      this.#means.broken(`an event was refused with ${error.code}: ${error.message}`);
    return 'refused';
  }

  /** Makes a request of the process, which may rightly die or be unable to answer. */
  async #tolerant(ask: (life: Life) => Promise<void>): Promise<void> {
    const life = this.#means.life();
    try {
      await Promise.race([ask(life), life.died]);
    } catch (error) {
      const isFine = !life.isAlive || (error instanceof MillraceError && error.code !== 'MILL_INTERNAL');
      if (!isFine) throw error;
    }
  }
}

/** Returns the ledger's name for a resolved dead letter. */
function nameOf(letter: DeadLetter): string {
  switch (letter.kind) {
    case 'event':
      return JSON.parse(letter.body).mark;
    case 'timer':
      return JSON.parse(letter.timer.data ?? '{}').arm;
    case 'outcome':
      return `${letter.outcome.endpoint}/${letter.outcome.id}`;
    case 'delivery':
      return `${letter.delivery.endpoint}/${letter.delivery.id}`;
    case 'gap':
      return `${letter.numbers.from}-${letter.numbers.to}`;
    case 'origin':
      return nameOfRow(letter.origin);
    case 'rejected':
      return letter.key;
  }
}
