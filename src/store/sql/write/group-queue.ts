/** How work of several callers is done together. */
export interface GroupMeans<Work, Answer> {
  /** Items in a group, unless a single caller has more. */
  readonly weightMax: number;
  weigh(work: Work): number;
  /** Whether it may go with those before it; absent: always. */
  joins?(group: readonly Work[], work: Work): boolean;
  /** All of it or nothing; answers each. */
  run(group: readonly Work[]): Promise<readonly Answer[]>;
  /** Whether one of a group was at fault, so that the others may succeed without it. */
  isRefusal(thrown: unknown): boolean;
  /** How long a caller waits, and what it is told then; absent: for as long as it takes. */
  readonly patience?: { readonly ms: number; error(): unknown };
}

interface Waiting<Work, Answer> {
  readonly work: Work;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (thrown: unknown) => void;
}

/**
 * Does the work of all who wait together, one group behind the other. A group that is refused is done again one by one. Of work that is under
 * way when its caller loses patience nobody knows whether it takes effect; what has not begun by then is never done.
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
    // Who comes in the same turn of the event loop goes along.
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
