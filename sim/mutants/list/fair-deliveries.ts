import type { Mutant } from '../mutant.ts';
import { beside, promise } from '../suites.ts';

const gate = 'src/engine/outbox/endpoint-gate.ts';
const line = 'src/engine/outbox/waiting-line.ts';
const reader = 'src/engine/outbox/due-reader.ts';
const standings = 'src/engine/outbox/standings.ts';

const fair = (named: string) => [promise('fair-deliveries', named)];

/** One receiver, or one key, costs no other its deliveries. */
export const fairDeliveries: readonly Mutant[] = [
  {
    name: 'address-takes-all-places',
    promises: [4],
    file: standings,
    find: ' || this.#underWayOfFlow.of(flow) >= this.#shareOf[standing]) return false;',
    replace: ') return false;',
    tests: fair('an unresponsive receiver leaves places for others, however much it is sent'),
  },
  {
    name: 'key-takes-all-places',
    promises: [4],
    file: standings,
    find: 'if (this.#underWayOfKey.of(key) >= this.#shareOfKey || ',
    replace: 'if (',
    tests: fair('a key that invents addresses leaves places for other keys'),
  },
  {
    name: 'addresses-made-up-take-all-places',
    promises: [4],
    file: standings,
    find: 'if (slow + unheard + silent >= this.#shareOfOthers) return false;',
    replace: '',
    tests: fair('invented keys and addresses leave places for addresses that have answered'),
  },
  {
    name: 'silent-addresses-take-as-many-places-as-others',
    promises: [4],
    file: standings,
    find: '(silent < this.#shareOfSilent && !this.isResting(flow))',
    replace: '!this.isResting(flow)',
    tests: fair('all known unresponsive addresses together take a quarter of the places'),
  },
  {
    name: 'silent-address-never-rests',
    promises: [4],
    file: standings,
    find: 'const restAfter = 5;',
    replace: 'const restAfter = 5_000;',
    tests: fair('an unresponsive address rests, which costs no attempt, and is called again'),
  },
  {
    name: 'end-of-a-rest-not-noticed',
    promises: [6],
    file: gate,
    find: 'const at = opensAt > now ? opensAt : this.#standings.nextRestEnd;',
    replace: 'const at = opensAt;',
    tests: fair('an unresponsive address rests, which costs no attempt, and is called again'),
  },
  {
    name: 'what-a-silent-address-does-not-take-kept-for-ever',
    promises: [7, 9],
    file: gate,
    find: 'Math.min(silentMs, waitedMs) < this.#triedMs',
    replace: 'silentMs >= 0',
    tests: fair('deliveries that an address has not answered'),
  },
  {
    name: 'crowded-flow-hides-the-others-in-the-store',
    promises: [4],
    file: reader,
    find: 'if (left.size > 0) this.#isCrowded = true;',
    replace: '',
    tests: fair('deliveries waiting in the store for one receiver'),
  },
  {
    name: 'crowded-flow-never-read-again',
    promises: [6],
    file: reader,
    find: 'if (!this.#isCrowded) return;\n    this.#news(flow);\n    this.#mayBeMore = true;',
    replace: '',
    tests: fair('a key’s deliveries to one receiver hide none of other keys'),
  },
  {
    name: 'flow-keeps-its-turn',
    promises: [4],
    file: line,
    find: 'this.#flows.delete(flow);\n      if (line.length > 0) this.#flows.set(flow, line);',
    replace: 'if (line.length === 0) this.#flows.delete(flow);',
    tests: fair('each key gets its turn among the calls that the rate limit allows'),
  },
  {
    name: 'shortage-of-this-machine-costs-attempts',
    promises: [6],
    file: 'src/delivery/exchange.ts',
    find: 'if (shortage !== undefined) return',
    replace: 'if (shortage === reason) return',
    tests: [beside('delivery/local-shortage')],
  },
  {
    name: 'connections-to-any-number-of-receivers-kept',
    promises: [7],
    file: 'src/delivery/connections.ts',
    find: 'keptMax: 64',
    replace: 'keptMax: 640',
    tests: [beside('delivery/connections', 'few connections to addresses from data are kept, whatever the other sides allow')],
  },
  {
    name: 'reason-of-a-transport-of-any-length',
    promises: [9],
    file: 'src/engine/outbox/kept-answer.ts',
    find: 'return toStorableText(text, reasonLengthMax);',
    replace: 'return text;',
    tests: [promise('deliveries', 'whatever a transport throws or answers, the reason')],
  },
];
