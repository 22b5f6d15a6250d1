import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'undici';
import { messageOf } from '../../../src/cli/index.ts';

export interface SendingOptions {
  /** A sender posts to them in turn, and retries a message at the next one. */
  readonly urls: readonly URL[];
  /** Sent with every message. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Each has its own connection to each target and waits for the answer before it posts the next message. */
  readonly senders: number;
  /** Pause of a sender after each message. */
  readonly pauseMs: number;
  /** Called after each accepted message. */
  onTaken(): void;
  /** Called before a message is posted again. */
  onRetry(url: URL, reason: string): void;
}

/** The fate of the messages. */
export interface Sent {
  accepted: number;
  duplicates: number;
  /** Posts that were not accepted, refused or unanswered. */
  retries: number;
  /** From the post to the answer that accepted it, in microseconds. */
  readonly latencyMicroseconds: RecordableHistogram;
}

const retryPauseMs = 500;
const answerTimeoutMs = 10_000;

/**
 * Posts the messages until each is accepted, retrying for ever without a 2xx. Throws if the server refuses
 * the first one with a permanent status.
 */
export async function sendAll(messages: Iterable<object>, options: SendingOptions): Promise<Sent> {
  const sent: Sent = { accepted: 0, duplicates: 0, retries: 0, latencyMicroseconds: createHistogram() };
  const queue = messages[Symbol.iterator]();
  await Promise.all(Array.from({ length: options.senders }, () => runSender(queue, options, sent)));
  return sent;
}

async function runSender(queue: Iterator<object>, options: SendingOptions, sent: Sent): Promise<void> {
  const targets = options.urls.map(targetOf);
  let at = -1;
  const inTurn = (): Target => {
    at += 1;
    return targets[at % targets.length] as Target;
  };
  for (let next = queue.next(); !next.done; next = queue.next()) {
    await sendUntilTaken(inTurn, JSON.stringify(next.value), options, sent);
    options.onTaken();
    if (options.pauseMs > 0) await pause(options.pauseMs);
  }
  await Promise.all(targets.map(({ client }) => client.close()));
}

/** The destination of a sender. */
interface Target {
  readonly url: URL;
  readonly path: string;
  readonly client: Client;
}

function targetOf(url: URL): Target {
  const client = new Client(url.origin, {
    headersTimeout: answerTimeoutMs,
    bodyTimeout: answerTimeoutMs,
    connect: { timeout: answerTimeoutMs },
  });
  return { url, path: `${url.pathname}${url.search}`, client };
}

async function sendUntilTaken(inTurn: () => Target, body: string, options: SendingOptions, sent: Sent): Promise<void> {
  for (;;) {
    const { url, path, client } = inTurn();
    try {
      const startedAt = performance.now();
      const status = await post(client, path, body, options.headers);
      sent.latencyMicroseconds.record(Math.max(1, Math.round((performance.now() - startedAt) * 1000)));
      if (status === 'accepted') sent.accepted++;
      else sent.duplicates++;
      return;
    } catch (error) {
      if (error instanceof FinalRefusal && sent.accepted + sent.duplicates === 0) throw error;
      sent.retries++;
      options.onRetry(url, messageOf(error));
      await pause(retryPauseMs);
    }
  }
}

/** Throws if the message was not accepted, or the answer did not come. */
async function post(client: Client, path: string, body: string, headers: SendingOptions['headers']): Promise<'accepted' | 'duplicate'> {
  const answer = await client.request({ method: 'POST', path, body, headers: { 'content-type': 'application/json', ...headers } });
  const text = await answer.body.text();
  const { statusCode } = answer;
  if (statusCode < 200 || statusCode > 299) throw refusalOf(statusCode, text.slice(0, 200), path);
  return /"status"\s*:\s*"duplicate"/.test(text) ? 'duplicate' : 'accepted';
}

/** The server answers, but accepts no such message at this path. */
class FinalRefusal extends Error {
  override readonly name = 'FinalRefusal';
}

function refusalOf(status: number, text: string, path: string): Error {
  const answered = `answered ${status} ${text}`;
  const isFinal = status >= 300 && status < 500 && !mayPass.has(status);
  return isFinal
    ? new FinalRefusal(`POST ${path} was ${answered}; expected a server that accepts rocket messages there`)
    : new Error(answered);
}

/** Request Timeout, Too Early and Too Many Requests. */
const mayPass: ReadonlySet<number> = new Set([408, 425, 429]);
