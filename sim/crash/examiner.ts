import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../src/errors.ts';
import type { Store } from '../../src/store/store.ts';
import type { Random } from '../../systems/shared/random.ts';
import { examineCut } from './after-cut.ts';
import type { Book, Life } from './book.ts';
import { Recorded } from './checks/recorded.ts';
import { withStore } from './declaration.ts';
import { examine, type Page } from './examine.ts';
import type { Loads } from './loads/loads.ts';
import { cutPower } from './power-cut.ts';
import { type Snapshot, takeSnapshot } from './snapshot.ts';
import type { Tally } from './tally.ts';
import { readTold } from './told.ts';

export interface ExaminerOptions {
  /** The folder for the copies. */
  readonly folder: string;
  readonly database: string;
  readonly book: Book;
  readonly loads: Loads;
  readonly random: Random;
  readonly tally: Tally;
  /** For engines whose calls are not counted. */
  readonly environment: Readonly<Record<string, string>>;
  logOf(life: number): string;
  say(broken: string): void;
}

/** The remains of a life, and what was known then. */
interface Remains {
  readonly life: Life;
  readonly page: Page;
  readonly whole: Snapshot;
  readonly settledAt: number | undefined;
  /** A copy for a power cut. */
  readonly cut: Snapshot | undefined;
}

/** Examines copies of each life's remains, one after another, in the background. */
export class Examiner {
  readonly #options: ExaminerOptions;
  readonly #recorded = new Recorded();
  #examining: Promise<void> = Promise.resolve();

  constructor(options: ExaminerOptions) {
    this.#options = options;
  }

  /**
   * Copies the remains of an ended life, which nobody may be using. Resolves when the previous examination is done, so it is never more
   * than one behind.
   *
   * @param settledAt when everything had come to rest, if it had
   */
  async take(life: Life, settledAt?: number): Promise<void> {
    const { database, folder, book, loads, tally } = this.#options;
    const own = join(folder, `life-${life.number}`);
    const whole = takeSnapshot(database, join(own, 'whole'));
    const cut =
      tally.cuts.owed > 0 && settledAt === undefined ? { ...takeSnapshot(database, join(own, 'cut')), wal: whole.wal } : undefined;
    const page = { ...book.copy(loads.witnesses), plan: loads.plan() };
    await this.#examining;
    this.#examining = this.#look({ life, page, whole, settledAt, cut }, own);
  }

  /** Resolves when nothing is left to examine. */
  done(): Promise<void> {
    return this.#examining;
  }

  /** A database that cannot even be opened counts as broken. */
  async #look(remains: Remains, copies: string): Promise<void> {
    const broken = await this.#examine(remains).catch((error: unknown) => [`cannot be read: ${messageOf(error)}`]);
    for (const words of broken) this.#options.say(`after life ${remains.life.number}: ${words}`);
    if (broken.length === 0) rmSync(copies, { recursive: true });
  }

  async #examine({ life, page, whole, settledAt, cut }: Remains): Promise<readonly string[]> {
    const { loads } = this.#options;
    const broken = await withStore(whole.database, async (store) => [
      ...(await examine(store, { page, loads, settledAt })),
      ...(await this.#repeated(store, life)),
      ...(settledAt === undefined ? [] : await this.#count(store)),
    ]);
    const afterCut = cut === undefined ? [] : await this.#cut(cut, { page, whole });
    return [...broken, ...afterCut];
  }

  /** Returns what the life repeated although it was on disk before. */
  async #repeated(store: Store, { number }: Life): Promise<readonly string[]> {
    const { book, loads, logOf } = this.#options;
    const told = readTold(logOf(number));
    const again = this.#recorded.check(number, book, told);
    return [...told.errors.map((line) => `it logged ${line}`), ...again, ...(await this.#recorded.look(store, number, loads.rockets))];
  }

  async #count(store: Store): Promise<readonly string[]> {
    const { timers } = this.#options.tally;
    const [row] = await store.query('SELECT count(callback_at) AS fired, count(cancelled_at) AS cancelled FROM account_updates', []);
    timers.fired += Number(row?.fired);
    timers.cancelled += Number(row?.cancelled);
    return [];
  }

  async #cut(cut: Snapshot, { page, whole }: Pick<Remains, 'page' | 'whole'>): Promise<readonly string[]> {
    const { tally, loads, environment, random } = this.#options;
    const how = cutPower(cut, random);
    if (how === undefined) return [];
    tally.cuts.owed -= 1;
    const { lost, broken } = await examineCut({ whole: whole.database, cut: cut.database, page, loads, environment });
    tally.cuts.made += 1;
    tally.cuts.lost += lost;
    return broken.map((words) => `${how}: ${words}`);
  }
}
