import { setTimeout as sleep } from 'node:timers/promises';
import type { Acceptances } from './acceptances.ts';
import type { Answer } from './answers.ts';
import type { Attempt } from './attempt.ts';
import { type Exchange, exchange } from './exchange.ts';
import { endsConnection, faultsOf } from './judge.ts';
import { bytesOf, type Plan } from './plan.ts';
import { Tally } from './tally.ts';
import type { Victim } from './victim.ts';

/** Attempts at once, those that are slow aside. */
const lanes = 12;
/** Slow attempts at once. */
const slowMax = 100;
/** The server waits ten seconds for headers and looks every two; a busy machine takes longer. */
const patienceMs = 40_000;
/** Attempts that are slow get so much of the attack's time on top. */
const leaveShare = 0.2;
/** An attack that found so many faults is over. */
const faultsMax = 20;
/** Where nobody is asked for a token. */
const open: ReadonlySet<string> = new Set(['/ping', '/health', '/access', '/']);
/** Bytes of a request that are shown with a fault. */
const shownBytes = 1_000;

export interface AttackOptions {
  readonly plan: Plan;
  readonly victim: Victim;
  readonly acceptances: Acceptances;
}

/** Makes one attempt after the other, many at once, and judges how each is answered. */
export class Attack {
  readonly tally = new Tally();
  readonly faults: string[] = [];
  readonly #options: AttackOptions;
  readonly #slow = new Set<Promise<void>>();
  readonly #leaving = new AbortController();
  #number = 0;

  constructor(options: AttackOptions) {
    this.#options = options;
  }

  /** Until the moment has come (by `performance.now()`) and every route had its turn, the signal does, or there are too many faults. */
  async run({ deadline, signal }: { readonly deadline: number; readonly signal?: AbortSignal | undefined }): Promise<void> {
    const startedAt = performance.now();
    const { plan, victim } = this.#options;
    const isDue = () => performance.now() >= deadline && this.#number >= plan.round;
    const isOver = () => isDue() || signal?.aborted === true || this.faults.length >= faultsMax || !victim.isAlive;
    await Promise.all(Array.from({ length: lanes }, () => this.#lane(isOver)));
    // What is slow goes on for a while, and is left then.
    await Promise.race([Promise.all(this.#slow), sleep(Math.min(patienceMs, (performance.now() - startedAt) * leaveShare))]);
    this.#leaving.abort();
    await Promise.all(this.#slow);
  }

  /** One attempt, as a run made it. Shows what is sent and what came back. */
  async repeat(number: number): Promise<void> {
    const attempt = this.#options.plan.attempt(number);
    process.stdout.write(`${attempt.kind}, ${attempt.route}\nsends ${shown(bytesOf(attempt), Number.POSITIVE_INFINITY)}\n`);
    const { answers, ended } = await this.#make(attempt);
    for (const { status, headers, body } of answers)
      process.stdout.write(`answer ${status} ${JSON.stringify(Object.fromEntries(headers))} ${shown(body, shownBytes)}\n`);
    process.stdout.write(`ended: ${ended}\n`);
  }

  async #lane(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const attempt = this.#options.plan.attempt(this.#number);
      this.#number += 1;
      if (!this.#options.plan.isSlow(attempt)) {
        await this.#make(attempt);
        continue;
      }
      while (this.#slow.size >= slowMax) await Promise.race(this.#slow);
      const made = this.#make(attempt).then(() => void this.#slow.delete(made));
      this.#slow.add(made);
      // Slow ones alone would never let the others have a turn.
      await sleep(0);
    }
  }

  /** Whoever does not show what the server asks for is let in nowhere but where nobody is asked. */
  #letIn(attempt: Attempt, { answers }: Exchange): string[] {
    const { authorization } = this.#options.victim;
    if (authorization === undefined || bytesOf(attempt).includes(authorization)) return [];
    const taken = answers.filter(({ status, body }, at) => status < 400 && !isPage(body) && !open.has(attempt.asked[at]?.path ?? '/ping'));
    return taken.map(({ status }) => `expected that nobody is let in without the token, found ${status}`);
  }

  async #make(attempt: Attempt) {
    const { victim, acceptances } = this.#options;
    const made = await exchange(attempt, { port: victim.port, patienceMs, signal: this.#leaving.signal });
    this.tally.note(attempt, made);
    const unaccounted = attempt.asked.map((asked, at) => acceptances.note(asked, answerTo(attempt, made, at)));
    for (const fault of [...faultsOf(attempt, made), ...this.#letIn(attempt, made), ...unaccounted]) {
      if (fault !== undefined)
        this.faults.push(
          `--only ${attempt.number} (${attempt.kind}, ${attempt.route}): ${fault}\n  sent ${shown(bytesOf(attempt), shownBytes)}`,
        );
    }
    return made;
  }
}

/** The answer to one of many requests. What is no HTTP is answered last, whatever is still being worked on before it. */
function answerTo({ asked }: Attempt, { answers }: Exchange, at: number): Answer | undefined {
  const answer = answers[at];
  const isLast = asked.length > 1 && at === answers.length - 1;
  return isLast && answer !== undefined && endsConnection(answer) ? undefined : answer;
}

/** Bytes as a JSON text, each a character, which `printf` and every language can make bytes of again. */
function shown(bytes: Buffer, max: number): string {
  const more = bytes.length > max ? ` and ${bytes.length - max} bytes more` : '';
  return `${JSON.stringify(bytes.toString('latin1', 0, Math.min(bytes.length, max)))}${more}`;
}

/** The page of the operator, which anybody may load. A target such as `*` leads to it, too. */
function isPage(body: Buffer): boolean {
  return body.subarray(0, 15).toString().toLowerCase() === '<!doctype html>';
}
