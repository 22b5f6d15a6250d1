import type { Acceptances } from './acceptances.ts';
import { ask, type Question, type Server } from './client.ts';

const timeoutMs = 30_000;
const channel = 'ca7a0000-0000-4000-8000-000000000000';
const account = 'canary';
const eventId = 'ca7a0000-0000-4000-8000-000000000001';

/** Data stored before the attack, path by path. */
const stored: readonly (readonly [path: string, pipeline: string, id: string, json: unknown])[] = [
  [
    '/messages',
    'rockets',
    `${channel}#1`,
    {
      metadata: { channel, messageNumber: 1, messageTime: '2022-02-02T19:39:05.86337+01:00', messageType: 'RocketLaunched' },
      message: { type: 'Falcon-9', launchSpeed: 500, mission: 'ARTEMIS' },
    },
  ],
  ['/events', 'events', eventId, { id: eventId, type: 'user_action', source: 'web', data: { action: 'click', metadata: { a: {} } } }],
  ['/accounts', 'accounts', `${account}#0`, { id: account, accountType: 'a', tokens: 1, callbackTimeMs: 0, data: { empty: {} } }],
];

/** Requests made before and after. Nobody else touches their data, so the answers are identical to the byte. */
const questions: readonly Omit<Question, 'timeoutMs'>[] = [
  ...['/ping', '/openapi.json', '/docs/', `/rockets/${channel}`, `/rockets/${channel}/history`, `/events/${eventId}`].map(get),
  ...[`/accounts/${account}`, `/accounts/${account}/updates`, `/pipelines/rockets/keys/${channel}`, '/events?limit=0', '/nowhere'].map(get),
  ...['/rockets?sort=__proto__', '/accounts?cursor=x', '/pipelines/__proto__/keys/a', '/workers/9', '/pipelines/toString/schedule'].map(
    get,
  ),
  ...['/messages', '/events', '/events/batch', '/accounts', '/messages/pending', '/workers/messages', '/scheduler'].flatMap((target) => [
    { method: 'POST', target, json: {} },
    { method: 'DELETE', target },
  ]),
];

/** Detects changes by a request to anything shared by all requests: `Object.prototype`, a route, a schema. */
export class Canary {
  readonly #server: Server;
  #before: readonly string[] = [];

  constructor(server: Server) {
    this.#server = server;
  }

  /** Stores its data, and records the answers. */
  async begin(acceptances: Acceptances): Promise<void> {
    for (const [target, pipeline, id, json] of stored) {
      const told = await ask(this.#server, { method: 'POST', target, json, timeoutMs });
      acceptances.note({ method: 'POST', path: target, eventsMax: 1 }, told);
      acceptances.of(pipeline).ids.add(id);
    }
    // Pending work is done by then.
    await this.#ask();
    this.#before = await this.#ask();
  }

  /** Returns answers that differ from before. */
  async differences(): Promise<string[]> {
    const after = await this.#ask();
    return after.flatMap((answer, at) =>
      answer === this.#before[at]
        ? []
        : [`${questions[at]?.method} ${questions[at]?.target}: expected ${this.#before[at]}, found ${answer}`],
    );
  }

  async #ask(): Promise<string[]> {
    const answers: string[] = [];
    for (const question of questions) {
      const { status, headers, body } = await ask(this.#server, { ...question, timeoutMs });
      const lasting = [...headers].filter(([name]) => name !== 'date').map(([name, value]) => `${name}: ${value}`);
      answers.push([status, ...lasting, body.toString()].join('\n'));
    }
    return answers;
  }
}

function get(target: string) {
  return { method: 'GET', target };
}
