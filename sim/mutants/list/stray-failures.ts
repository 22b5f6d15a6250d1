import type { Mutant } from '../mutant.ts';
import { beside, promise } from '../suites.ts';

/** Neither a fault in a user's program nor a stalled reader stops or blinds the process. */
export const strayFailures: readonly Mutant[] = [
  {
    name: 'schema-without-a-time-limit',
    promises: [7],
    file: 'src/engine/identify.ts',
    find: 'if (await within(clock, validationMs, (deadline) => deadline.race(result))) return await result;',
    replace: 'if (validationMs > 0) return await result;',
    tests: [promise('slow-schemas')],
  },
  {
    name: 'batch-waits-for-each-event-in-turn',
    promises: [7],
    file: 'src/engine/verdicts.ts',
    find: "if (refusal.code === 'MILL_VALIDATION_TIMEOUT') this.late = refusal;",
    replace: '',
    tests: [promise('slow-schemas')],
  },
  {
    name: 'attempt-outlives-the-failure-of-its-callback',
    promises: [9],
    file: 'src/engine/turns-under-way.ts',
    find: 'this.#context.getStore()?.turn.abort(reason);',
    replace: 'void reason;',
    tests: [promise('turns-under-way')],
  },
  {
    name: 'asynchronous-turns-not-followed',
    promises: [9],
    file: 'src/engine/runner.ts',
    find: 'this.#toFollow = Number.POSITIVE_INFINITY;',
    replace: '',
    tests: [promise('turns-under-way')],
  },
  {
    name: 'log-without-a-bound',
    promises: [7],
    file: 'src/telemetry/log-lines.ts',
    find: 'if (this.#waitingBytes + line.length > this.#bytesMax) {',
    replace: 'if (this.#bytesMax === 0) {',
    tests: [beside('telemetry/log-lines')],
  },
  {
    name: 'all-issues-of-an-event-kept',
    promises: [7],
    file: 'src/pipeline/schema.ts',
    find: 'result.issues.slice(0, issuesMax)',
    replace: 'result.issues.slice(0, issuesMax * result.issues.length)',
    tests: [beside('pipeline/schema')],
  },
  {
    name: 'code-read-of-what-throws-when-it-is-read',
    promises: [9],
    file: 'src/fault.ts',
    find: "isInstance(thrown, MillraceError) ? propertyOf(thrown, 'code') : undefined",
    replace: 'thrown instanceof MillraceError ? thrown.code : undefined',
    tests: [promise('visible-failure')],
  },
  {
    name: 'thrown-thing-asked-what-it-is-without-a-guard',
    promises: [4],
    file: 'src/cli/stray-failures.ts',
    find: 'if (isInstance(thrown, ExitCalled)) return;',
    replace: 'if (thrown instanceof ExitCalled) return;',
    tests: [beside('cli/stray-failures')],
  },
  {
    name: 'listener-of-a-signal-ends-the-process',
    promises: [4],
    file: 'src/cli/stray-failures.ts',
    find: 'frames.slice(0, dispatched === -1 ? frames.length : dispatched)',
    replace: 'frames.slice(0, dispatched < -1 ? 0 : frames.length)',
    tests: [beside('cli/stray-failures')],
  },
];
