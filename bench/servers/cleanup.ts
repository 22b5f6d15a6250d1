import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Releases servers, children and folders when the program ends, however it ends. */
export class Cleanup {
  readonly #steps: (() => Promise<void> | void)[] = [];
  #done: Promise<void> | undefined;

  constructor() {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        void this.run().finally(() => process.exit(130));
      });
    }
  }

  /** True once it has begun: nothing new may start then. */
  get isUnderWay(): boolean {
    return this.#done !== undefined;
  }

  /** Steps run in the reverse order of their addition; one that comes too late runs at once. */
  add(step: () => Promise<void> | void): void {
    if (this.#done !== undefined) void step();
    this.#steps.push(step);
  }

  run(): Promise<void> {
    this.#done ??= this.#run();
    return this.#done;
  }

  /** Makes a folder that is deleted in the end. `parent` should be on the disk to be measured. */
  folder(parent: string = tmpdir()): string {
    const folder = mkdtempSync(join(parent, 'millrace-bench-'));
    this.add(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
    return folder;
  }

  async #run(): Promise<void> {
    for (const step of this.#steps.toReversed()) {
      try {
        await step();
      } catch (error) {
        process.stderr.write(`cleaning up: ${error instanceof Error ? error.message : String(error)}\n`);
      }
    }
  }
}
