import { setTimeout as sleep } from 'node:timers/promises';
import type { Acceptances } from './acceptances.ts';
import type { Answer } from './answers.ts';
import type { Attempt } from './attempt.ts';
import { type Exchange, exchange } from './exchange.ts';
import { endsConnection, faultsOf } from './judge.ts';
import { bytesOf, type Plan } from './plan.ts';
import { Tally } from './tally.ts';
import type { Victim } from './victim.ts';

/** Concurrent attempts, apart from slow ones. */
const lanes = 12;
/** Concurrent slow attempts. */
const slowMax = 100;
/** The server waits ten seconds for headers and checks every two; a busy machine takes longer. */
const patienceMs = 40_000;
/** Extra time for slow attempts, as a share of the attack's. */
const leaveShare = 0.2;
/** An attack ends after this many faults. */
const faultsMax = 20;
/** Routes that require no token. */
const open: ReadonlySet<string> = new Set(['/ping', '/health', '/access', '/']);
/** Bytes of a request shown with a fault. */
const shownBytes = 1_000;

export interface AttackOptions {
  readonly plan: Plan;
  readonly victim: Victim;
  readonly acceptances: Acceptances;
}

/** Makes one attempt after another, many at once, and judges the responses. */
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

  /**
   * Runs until the deadline (by `performance.now()`) once every route had its turn, until the signal aborts, or until there are too many
   * faults.
   */
  async run({ deadline, signal }: { readonly deadline: number; readonly signal?: AbortSignal | undefined }): Promise<void> {
    const startedAt = performance.now();
    const { plan, victim } = this.#options;
    const isDue = () => performance.now() >= deadline && this.#number >= plan.round;
    const isOver = () => isDue() || signal?.aborted === true || this.faults.length >= faultsMax || !victim.isAlive;
    await Promise.all(Array.from({ length: lanes }, () => this.#lane(isOver)));
    // Slow attempts may continue for a while, and are then abandoned.
    await Promise.race([Promise.all(this.#slow), sleep(Math.min(patienceMs, (performance.now() - startedAt) * leaveShare))]);
    this.#leaving.abort();
    await Promise.all(this.#slow);
  }

  /** Repeats one attempt of a run. Shows what is sent and what comes back. */
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
      // Slow attempts alone would never let the others have a turn.
      await sleep(0);
    }
  }

  /** Without the required token only the open routes may succeed. */
  #letIn(attempt: Attempt, { answers }: Exchange): string[] {
    const { authorization } = this.#options.victim;
    if (authorization === undefined || bytesOf(attempt).includes(authorization)) return [];
    const taken = answers.filter(({ status, body }, at) => status < 400 && !isPage(body) && !open.has(attempt.asked[at]?.path ?? '/ping'));
    return taken.map(({ status }) => `expected nobody to be admitted without the token, found ${status}`);
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

/** Returns the response to one of many requests. The response to invalid HTTP comes last, whatever is still being processed. */
function answerTo({ asked }: Attempt, { answers }: Exchange, at: number): Answer | undefined {
  const answer = answers[at];
  const isLast = asked.length > 1 && at === answers.length - 1;
  return isLast && answer !== undefined && endsConnection(answer) ? undefined : answer;
}

/** Formats bytes as a JSON text, one character each, which `printf` and every language can convert back. */
function shown(bytes: Buffer, max: number): string {
  const more = bytes.length > max ? ` and ${bytes.length - max} more bytes` : '';
  return `${JSON.stringify(bytes.toString('latin1', 0, Math.min(bytes.length, max)))}${more}`;
}

/** Returns whether it is the operator's page, which anybody may load. A target such as `*` leads to it, too. */
function isPage(body: Buffer): boolean {
  return body.subarray(0, 15).toString().toLowerCase() === '<!doctype html>';
}
