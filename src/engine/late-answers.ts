/**
 * The inputs of schemas that have not answered in time. Each takes up memory until its schema answers after all, or until nothing is left
 * that could answer: a schema's dependency may hold the input far longer than the wait for an event lasts.
 */
export class LateAnswers {
  readonly #allowance: { change(bytes: number): void };
  readonly #unanswerable = new FinalizationRegistry<() => void>((release) => release());

  /** @param allowance the allowance they count against */
  constructor(allowance: { change(bytes: number): void }) {
    this.#allowance = allowance;
  }

  /** Counts `bytes` while `answer` may still come. */
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
