import type { Mutant } from '../mutant.ts';
import { beside, contract, promise } from '../suites.ts';

const lanes = 'src/engine/lanes.ts';
const door = 'src/engine/door.ts';
const feed = 'src/engine/feed.ts';
const bodies = 'src/server/bodies.ts';
const answers = 'src/server/answers.ts';
const tests = [promise('bounded-memory')];
const clients = [beside('server/bounded-clients')];

/** Memory is bounded in bytes. */
export const boundedMemory: readonly Mutant[] = [
  {
    name: 'states-never-forgotten-for-memory',
    promises: [7],
    file: lanes,
    find: ' && !memory.mustForget) return;',
    replace: ') return;',
    tests,
  },
  {
    name: 'others-not-asked-for-memory',
    promises: [7],
    file: lanes,
    find: 'memory.askOthers(this.#forgetIdle);',
    replace: 'void memory;',
    tests,
  },
  {
    name: 'memory-of-a-turn-never-free',
    promises: [4, 7],
    file: 'src/engine/runner.ts',
    find: 'this.#memory.change(-bytes);',
    replace: 'void bytes;',
    tests,
  },
  {
    name: 'asynchronous-turns-ignore-memory',
    promises: [7],
    file: lanes,
    find: 'if (running > 0 && memory.running.isSpent) return true;',
    replace: '',
    tests,
  },
  {
    name: 'commit-of-any-size',
    promises: [7],
    file: lanes,
    find: 'turns > 0 && (bytes >= memory.draftBytesMax || memory.isCrowded)',
    replace: 'false',
    tests,
  },
  {
    name: 'busy-key-keeps-all-in-memory',
    promises: [7],
    file: lanes,
    find: '(this.#means.memory.waiting.isSpent && !lane.isFree)',
    replace: 'false',
    tests,
  },
  {
    name: 'held-events-cut-short-are-lost',
    promises: [3, 8],
    file: lanes,
    find: 'isFullList(events, sizeOfEvent, { limit, sizeMax: memory.readMax })',
    replace: 'events.length === queuedMax',
    tests,
  },
  {
    name: 'door-ignores-memory',
    promises: [7],
    file: door,
    find: 'if (this.#means.memory.arriving.isSpent) throw memoryFull(name);',
    replace: '',
    tests,
  },
  {
    name: 'memory-at-the-door-never-free',
    promises: [7],
    file: door,
    find: 'this.#means.memory.arriving.change(-bytes);',
    replace: 'void bytes;',
    tests,
  },
  {
    name: 'log-read-without-bound',
    promises: [7],
    file: feed,
    find: 'limit, { charactersMax: this.#bounds.memory.readMax })',
    replace: 'limit)',
    tests,
  },
  {
    name: 'list-takes-one-too-many',
    promises: [7],
    file: 'src/store/list-size.ts',
    find: 'if (size >= sizeMax && taken.length >= countMin) break;',
    replace: 'if (size > sizeMax && taken.length >= countMin) break;',
    tests: [contract('memory')],
  },
  {
    name: 'page-shows-what-the-next-shows-too',
    promises: [],
    file: 'src/server/page.ts',
    find: 'Math.min(limit, rows.length - 1)',
    replace: 'limit',
    tests: [beside('server/page')],
  },
  {
    name: 'bodies-never-counted',
    promises: [7],
    file: bodies,
    find: 'this.#bytes += chunk.length;',
    replace: '',
    tests: clients,
  },
  {
    name: 'newest-body-refused-always',
    promises: [7],
    file: bodies,
    find: 'performance.now() - oldest.since > promptMs ? oldest : arrival',
    replace: 'arrival',
    tests: clients,
  },
  {
    name: 'body-of-a-gone-client-counts',
    promises: [7],
    file: bodies,
    find: "payload.on('close', () => this.#release(arrival));",
    replace: '',
    tests: clients,
  },
  {
    name: 'unread-answers-never-counted',
    promises: [7],
    file: answers,
    find: 'this.#bytes += bytes;',
    replace: '',
    tests: clients,
  },
  {
    name: 'pipelined-requests-never-counted',
    promises: [7],
    file: 'src/server/pipelining.ts',
    find: 'if (line.waiting.length >= waitingMax || waitingInAll >= waitingInAllMax) {',
    replace: 'if (line.waiting.length < 0) {',
    tests: clients,
  },
  {
    name: 'pipelined-requests-all-at-work',
    promises: [7],
    file: 'src/server/pipelining.ts',
    find: 'if (line.atWork < atWorkMax && line.waiting.length === 0) begin(request, response, line);',
    replace: 'if (line.waiting.length === 0) begin(request, response, line);',
    tests: clients,
  },
];
