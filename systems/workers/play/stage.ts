import type { Progress } from '../../../src/cli/index.ts';
import type { Spoken } from '../spoken.ts';
import { checkPlace, foreignState } from './check-place.ts';
import type { MessagesFile } from './messages-file.ts';
import type { Narrator } from './narrate.ts';

/** A promise that leaves a turn undecided: the end of the engine hands its message back. */
const undecided = new Promise<never>(() => undefined);

/**
 * Where what is said is printed, before it is on disk, so that a crash can only repeat it. What cannot be printed, or must not
 * be since it is not of this file, stays undecided, and the play is over.
 */
export class Stage {
  /** The row that was printed last. */
  row: string | undefined;
  /** Nobody reads what is printed any more. */
  readonly closed: Promise<void>;
  /** Rejects when what is said does not belong here, or cannot be printed. */
  readonly broken: Promise<never>;
  readonly #file: MessagesFile;
  readonly #narrator: Narrator;
  readonly #progress: Progress;
  readonly #close: () => void;
  readonly #break: (error: unknown) => void;
  #isOpen = false;
  /** Whether what is said now was accepted by an earlier run. */
  #isResuming = true;

  constructor(file: MessagesFile, narrator: Narrator, progress: Progress) {
    this.#file = file;
    this.#narrator = narrator;
    this.#progress = progress;
    const closed = Promise.withResolvers<void>();
    const broken = Promise.withResolvers<never>();
    // Somebody may look at it only later.
    broken.promise.catch(() => undefined);
    ({ promise: this.closed, resolve: this.#close } = closed);
    ({ promise: this.broken, reject: this.#break } = broken);
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') this.#close();
      else this.#break(error);
    });
  }

  /** Nothing of an earlier run is to come, and this one goes on. */
  resumed(): void {
    this.#isResuming = false;
    this.#openOnce();
  }

  /** Prints what is said. */
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

  /** Prints what comes before all else, once. */
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
