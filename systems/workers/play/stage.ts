import type { Progress } from '../../../src/cli/index.ts';
import type { Spoken } from '../spoken.ts';
import { checkPlace, foreignState } from './check-place.ts';
import type { MessagesFile } from './messages-file.ts';
import type { Narrator } from './narrate.ts';

/** A promise that leaves a turn undecided: its message stays unhandled when the engine stops. */
const undecided = new Promise<never>(() => undefined);

/**
 * Prints messages before they are on disk, so that a crash can only repeat them. A message that cannot be printed, or must not be since it
 * is not from this file, stays undecided, and the play ends.
 */
export class Stage {
  /** The last printed row. */
  row: string | undefined;
  /** Resolves once the output has no reader. */
  readonly closed: Promise<void>;
  /** Rejects when a message does not belong here, or cannot be printed. */
  readonly broken: Promise<never>;
  readonly #file: MessagesFile;
  readonly #narrator: Narrator;
  readonly #progress: Progress;
  readonly #close: () => void;
  readonly #break: (error: unknown) => void;
  #isOpen = false;
  /** True while messages come from an earlier run. */
  #isResuming = true;

  constructor(file: MessagesFile, narrator: Narrator, progress: Progress) {
    this.#file = file;
    this.#narrator = narrator;
    this.#progress = progress;
    const closed = Promise.withResolvers<void>();
    const broken = Promise.withResolvers<never>();
    // It may be awaited only later.
    broken.promise.catch(() => undefined);
    ({ promise: this.closed, resolve: this.#close } = closed);
    ({ promise: this.broken, reject: this.#break } = broken);
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') this.#close();
      else this.#break(error);
    });
  }

  /** Notes that all messages of an earlier run are done, and this one continues. */
  resumed(): void {
    this.#isResuming = false;
    this.#openOnce();
  }

  /** Prints a message. */
  tell(spoken: Spoken): void | Promise<void> {
    const { place } = spoken;
    if (place === undefined) return this.#refuse(foreignState());
    try {
      if (this.#isResuming) checkPlace(this.#file, place);
    } catch (error) {
      return this.#refuse(error);
    }
    this.#openOnce();
    this.#progress.print(process.stdout, this.#narrator.tell({ ...spoken, place }));
    // Known at once; the event comes later.
    if (process.stdout.errored !== null) return undecided;
    this.row = place.row;
  }

  /** Prints the opening text, once. */
  #openOnce(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    const opening = this.#narrator.open(this.#file);
    if (opening !== '') this.#progress.print(process.stdout, opening);
  }

  #refuse(error: unknown): Promise<never> {
    this.#break(error);
    return undecided;
  }
}
