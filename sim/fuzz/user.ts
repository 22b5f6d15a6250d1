import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../src/errors.ts';
import type { Acceptances } from './acceptances.ts';
import { ask, type Server, type Told } from './client.ts';
import { jsonOf } from './judge.ts';

/** From one look to the next, in milliseconds. */
const pauseMs = 50;

export interface UserOptions {
  readonly server: Server;
  readonly acceptances: Acceptances;
  /** Time limit for an answer. */
  readonly boundMs: number;
}

/** A user with valid requests and a right to timely answers. */
export class User {
  /** Response times, in milliseconds. */
  readonly latencies: number[] = [];
  readonly faults: string[] = [];
  readonly #options: UserOptions;

  constructor(options: UserOptions) {
    this.#options = options;
  }

  /** @param stored the ids of events that a pipeline's log holds once the request is answered */
  async post(path: string, json: unknown, stored: readonly (readonly [pipeline: string, id: string])[]): Promise<Told> {
    const { acceptances } = this.#options;
    const asked = { method: 'POST', path, eventsMax: 2 };
    try {
      const told = await this.ask('POST', path, json);
      const fault = acceptances.note(asked, told);
      if (fault !== undefined) this.faults.push(fault);
      if (told.status >= 300) this.faults.push(`POST ${path}: expected 2xx, found ${told.status} ${told.body.toString().slice(0, 300)}`);
      else for (const [pipeline, id] of stored) acceptances.of(pipeline).ids.add(id);
      return told;
    } catch (error) {
      acceptances.note(asked, undefined);
      throw error;
    }
  }

  /** Checks that accepted data is found within the time limit, as expected. */
  async find(target: string, isRight: (found: Readonly<Record<string, unknown>> & { messages_heard: number }) => boolean): Promise<void> {
    const deadline = performance.now() + this.#options.boundMs;
    for (;;) {
      const { status, body } = await this.ask('GET', target);
      if (status === 200 && isRight(Object(jsonOf(body)))) return;
      if (performance.now() > deadline)
        throw new Error(`GET ${target}: expected the accepted data, found ${status} ${body.toString().slice(0, 300)}`);
      await sleep(pauseMs);
    }
  }

  async ask(method: string, target: string, json?: unknown): Promise<Told> {
    const { server, boundMs } = this.#options;
    try {
      const told = await ask(server, { method, target, json, timeoutMs: boundMs });
      this.latencies.push(told.elapsedMs);
      return told;
    } catch (error) {
      throw new Error(`${method} ${target}: expected an answer within ${boundMs} ms, found ${messageOf(error)}`, { cause: error });
    }
  }
}
