import type { Mutant } from '../mutant.ts';
import { beside, promise } from '../suites.ts';

const lanes = 'src/engine/lanes.ts';
const runner = 'src/engine/runner.ts';
const resolver = 'src/engine/resolver.ts';

/** Keys are independent, also when one is given up, redriven or discarded. */
export const independentKeys: readonly Mutant[] = [
  {
    name: 'slow-key-delays-all',
    promises: [4],
    file: lanes,
    find: 'if (running >= this.#pipeline.concurrency || turns',
    replace: 'if (running >= 1 || turns',
    tests: [promise('independent-keys')],
  },
  {
    name: 'concurrency-ignored',
    promises: [4, 7],
    file: lanes,
    find: 'if (running >= this.#pipeline.concurrency || turns',
    replace: 'if (turns',
    tests: [promise('independent-keys')],
  },
  {
    name: 'waiting-key-never-called',
    promises: [4],
    file: lanes,
    find: 'this.#ready.push(lane);',
    replace: '',
    tests: [promise('independent-keys')],
  },
  {
    name: 'parked-key-goes-on',
    promises: [3, 4],
    file: runner,
    find: 'if (parked) this.#order.stopped(lane, draft, waiting, null);\n      else this',
    replace: 'this',
    tests: [promise('independent-keys')],
  },
  {
    name: 'parked-key-goes-on-after-a-start',
    promises: [3, 8],
    file: 'src/engine/draft.ts',
    find: "parked: lane.status === 'parked',",
    replace: 'parked: false,',
    tests: [promise('independent-keys')],
  },
  {
    name: 'redrive-loses-the-place',
    promises: [3],
    file: resolver,
    find: 'draft.hold(lane, { ...event, attempts: 0, held: true }, null);',
    replace: 'draft.hold(lane, { ...event, order: event.order + 1_000, attempts: 0, held: true }, null);',
    tests: [promise('independent-keys')],
  },
  {
    name: 'redriven-event-has-no-attempts-left',
    promises: [9],
    file: resolver,
    find: 'draft.hold(lane, { ...event, attempts: 0, held: true }, null);',
    replace: 'draft.hold(lane, { ...event, attempts: letter.attempts, held: true }, null);',
    tests: [promise('independent-keys')],
  },
  {
    name: 'discard-applies-the-event',
    promises: [9],
    file: resolver,
    find: 'this.#means.lanes.settle(lane, draft, { ...letter.event, held: true });',
    replace:
      'draft.hold(lane, { ...letter.event, attempts: 0, held: true }, null);\n      lane.spilledFrom = Math.min(lane.spilledFrom, letter.event.order);',
    tests: [promise('independent-keys')],
  },
  {
    name: 'discard-leaves-the-key-parked',
    promises: [4, 9],
    file: resolver,
    find: "if (letter.parked && lane.status === 'parked') lane.status = 'open';",
    replace: '',
    tests: [promise('independent-keys')],
  },
  {
    name: 'dead-letter-resolved-twice',
    promises: [2, 9],
    file: resolver,
    find: 'this.#resolving.add(letter.id);',
    replace: '',
    tests: [promise('visible-failure'), promise('independent-keys'), promise('deliveries-under-faults')],
  },
  {
    name: 'skipped-event-parks-its-key',
    promises: [4],
    file: runner,
    find: "const parked = onGiveUp === 'park';",
    replace: "const parked = onGiveUp !== 'never';",
    tests: [promise('independent-keys')],
  },
  {
    name: 'endless-handler-keeps-its-place',
    promises: [4],
    file: 'src/engine/attempt.ts',
    find: 'disarm = clock.after(pipeline.timeoutMs, () =>',
    replace: 'disarm = clock.after(pipeline.timeoutMs * 1_000, () =>',
    tests: [promise('visible-failure'), promise('independent-keys')],
  },
  {
    name: 'endless-thread-not-ended',
    promises: [4],
    file: 'src/engine/threads/thread-pool.ts',
    find: "{ name: 'run', signal },",
    replace: "{ name: 'run' },",
    tests: [beside('engine/threads/threads')],
  },
];
