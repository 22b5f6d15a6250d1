/** Lets somebody wait for the next time that something happens. */
export class Bell {
  #next = Promise.withResolvers<void>();

  /** Resolves when it is rung the next time. */
  get rung(): Promise<void> {
    return this.#next.promise;
  }

  ring(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }
}
