/** Combines the work of several callers. */
export interface GroupMeans<Work, Answer> {
  /** Items per group, unless a single caller has more. */
  readonly weightMax: number;
  weigh(work: Work): number;
  /** Returns whether work may join the group; absent: always. */
  joins?(group: readonly Work[], work: Work): boolean;
  /** Does all of it or nothing; returns an answer for each. */
  run(group: readonly Work[]): Promise<readonly Answer[]>;
  /** Returns whether one of a group was at fault, so that the others may succeed without it. */
  isRefusal(thrown: unknown): boolean;
  /** Time that a caller waits, and its error then; absent: indefinitely. */
  readonly patience?: { readonly ms: number; error(): unknown };
}

interface Waiting<Work, Answer> {
  readonly work: Work;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (thrown: unknown) => void;
}

/**
 * Does the work of all waiting callers together, one group after another. A refused group is retried one by one. If a caller loses
 * patience, work under way may or may not take effect; work not begun is never done.
 */
export class GroupQueue<Work, Answer> {
  readonly #means: GroupMeans<Work, Answer>;
  readonly #waiting: Waiting<Work, Answer>[] = [];
  #isBusy = false;

  constructor(means: GroupMeans<Work, Answer>) {
    this.#means = means;
  }

  do(work: Work): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const waiting = { work, resolve, reject };
    this.#waiting.push(waiting);
    // Callers in the same turn of the event loop join in.
    if (!this.#isBusy) {
      this.#isBusy = true;
      queueMicrotask(() => void this.#pump());
    }
    return this.#means.patience === undefined ? promise : this.#withPatience(waiting, promise, this.#means.patience);
  }

  async #withPatience(
    waiting: Waiting<Work, Answer>,
    answer: Promise<Answer>,
    { ms, error }: NonNullable<GroupMeans<Work, Answer>['patience']>,
  ): Promise<Answer> {
    const timer = setTimeout(() => {
      const at = this.#waiting.indexOf(waiting);
      if (at !== -1) this.#waiting.splice(at, 1);
      waiting.reject(error());
    }, ms);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }

  async #pump(): Promise<void> {
    while (this.#waiting.length > 0) await this.#runGroup(this.#take());
    this.#isBusy = false;
  }

  #take(): readonly Waiting<Work, Answer>[] {
    const { weightMax, weigh, joins } = this.#means;
    const works: Work[] = [];
    let weight = 0;
    for (const { work } of this.#waiting) {
      weight += weigh(work);
      if (works.length > 0 && (weight > weightMax || joins?.(works, work) === false)) break;
      works.push(work);
    }
    return this.#waiting.splice(0, works.length);
  }

  async #runGroup(group: readonly Waiting<Work, Answer>[]): Promise<void> {
    try {
      const answers = await this.#means.run(group.map(({ work }) => work));
      for (const [at, { resolve }] of group.entries()) resolve(answers[at] as Answer);
    } catch (error) {
      if (group.length > 1 && this.#means.isRefusal(error)) for (const one of group) await this.#runGroup([one]);
      else for (const { reject } of group) reject(error);
    }
  }
}
