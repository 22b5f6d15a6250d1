/**
 * The inputs of schemas that have not answered in time. Each takes up memory until its schema answers all the same, or until nothing is
 * left that could answer: what a schema waits for may hold the input for far longer than an event is waited for.
 */
export class LateAnswers {
  readonly #allowance: { change(bytes: number): void };
  readonly #unanswerable = new FinalizationRegistry<() => void>((release) => release());

  /** @param allowance what they count against */
  constructor(allowance: { change(bytes: number): void }) {
    this.#allowance = allowance;
  }

  /** Counts `bytes` for as long as `answer` may come. */
  hold(answer: Promise<unknown>, bytes: number): void {
    let isHeld = true;
    const release = () => {
      if (isHeld) this.#allowance.change(-bytes);
      isHeld = false;
    };
    this.#allowance.change(bytes);
    this.#unanswerable.register(answer, release);
    answer.then(release, release);
  }
}
