import type { Mutant } from '../mutant.ts';
import { beside, promise } from '../suites.ts';

const beat = 'src/engine/lease-beat.ts';
const leases = 'src/store/memory/memory-lease.ts';
const partition = 'src/engine/partition.ts';
const shared = beside('store/memory/shared-memory');

/** Several engines on one store: leases, announcements, and what those may do that do not own. */
export const fleet: readonly Mutant[] = [
  {
    name: 'lease-never-runs-out',
    promises: [8],
    file: leases,
    find: '&& latest.endsAt > this.#now())',
    replace: ')',
    tests: [promise('fleet')],
  },
  {
    name: 'lease-taken-from-its-owner',
    promises: [2, 3],
    file: leases,
    find: 'latest.holder !== holder && latest.endsAt > this.#now()',
    replace: 'latest.holder !== holder && latest.endsAt > this.#now() + 2_000',
    tests: [shared],
  },
  {
    name: 'lease-not-renewed',
    promises: [3, 8],
    file: beat,
    find: 'if (this.isHeld) await lease.renew();',
    replace: '',
    tests: [promise('fleet')],
  },
  {
    name: 'lease-not-released-at-a-stop',
    promises: [8],
    file: partition,
    find: 'await this.#release();',
    replace: '',
    tests: [promise('fleet')],
  },
  {
    name: 'fence-ends-the-process',
    promises: [8],
    file: 'src/errors.ts',
    find: 'MILL_STORE_FENCED: { status: 503, retryable: true',
    replace: 'MILL_STORE_FENCED: { status: 503, retryable: false',
    tests: [promise('fleet'), promise('exactly-once')],
  },
  {
    name: 'announcement-lost-without-a-look',
    promises: [1],
    file: partition,
    find: 'beat: () => this.look()',
    replace: 'beat: () => undefined',
    tests: [promise('fleet')],
  },
  {
    name: 'announcement-not-heard',
    promises: [1],
    file: 'src/engine/mill.ts',
    find: '[slice]?.look()',
    replace: '[slice]',
    tests: [promise('fleet')],
  },
  {
    name: 'turn-begun-after-the-lease-has-run-out',
    promises: [2],
    file: 'src/engine/lane-turns.ts',
    find: ' || !this.#means.isHeld()',
    replace: '',
    tests: [promise('fleet')],
  },
  {
    name: 'reader-of-another-engine-does-not-wait',
    promises: [9],
    file: partition,
    find: 'if (this.#isAway) await this.#ownerHasCaughtUp(deadline);',
    replace: 'if (this.#isAway) return;',
    tests: [promise('fleet')],
  },
];
