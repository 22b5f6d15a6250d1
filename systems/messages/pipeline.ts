import * as z from 'zod';
import { type DeliveryOutcome, pipeline, type Transport } from '../../src/index.ts';
import { faultOfMessage, MessageEvent } from './message.ts';
import { toText } from './moment.ts';
import { dueMessages } from './source.ts';
import { messages } from './table.ts';

export const pipelineName = 'messages';

/** The parts of the pipeline. Times are in milliseconds. */
export interface MessagesPipelineOptions {
  readonly provider: Transport;
  /** Returns whether the provider is believed to answer. */
  isProviderWell(): boolean;
  /** The cache of sent messages, if any. */
  readonly cache: Transport | undefined;
  /** From the beginning of one batch to the next. */
  readonly interval: number;
  /** Messages per batch. */
  readonly batchSize: number;
  /** Concurrent messages. */
  readonly workers: number;
  readonly batchTimeout: number;
  /** Time limit for the provider's answer. */
  readonly messageTimeout: number;
  /** The pause after the first failure; it doubles each time. */
  readonly backoff: number;
  /** Total attempts per message. */
  readonly attempts: number;
}

/** The provider's answer when it accepted a message. */
export const Accepted = z.object({ messageId: z.string(), rawResponse: z.string() });
export type Accepted = z.infer<typeof Accepted>;
const Answered = z.object({ rawResponse: z.string() });

/** The key's record that its message was sent, whatever SQL does to the row. */
const Sent = z.object({ messageId: z.string(), sentAt: z.string() });
type Sent = z.infer<typeof Sent>;

/** Ingests pending rows and calls the provider. Every row is its own key: none waits for another. */
export function messagesPipeline(options: MessagesPipelineOptions) {
  const { provider, cache, workers, attempts, backoff, batchTimeout } = options;
  return pipeline(pipelineName, {
    event: MessageEvent,
    key: ({ id }) => id,
    state: Sent,
    tables: { messages },
    // A row whose turn fails permanently is a dead letter, and no batch takes it until that is redriven or discarded. Parking its key as
    // well would gain nothing.
    onGiveUp: 'skip',
    schedule: {
      every: options.interval,
      source: dueMessages(options.isProviderWell),
      batch: options.batchSize,
      concurrency: workers,
      timeout: batchTimeout,
    },
    handle(event, sent, turn) {
      const now = toText(turn.now);
      if (event.kind === 'submitted') {
        const { id, to, content, createdAt } = event;
        turn.add(messages, { id, to, content, status: 'PENDING', attempts: 0, created_at: createdAt, updated_at: createdAt });
        return undefined;
      }
      const { id, to, content } = event;
      // A crash cut its batch short. The row may have changed since; the next batch looks.
      if (turn.now - turn.acceptedAt > batchTimeout) return turn.ignore('its batch is over');
      if (sent !== undefined) {
        turn.update(messages, { id, ...columnsOf(sent), updated_at: now });
        return undefined;
      }
      const fault = faultOfMessage({ to, content });
      if (fault === undefined) turn.deliver('sms', { to, content }, { id });
      else turn.update(messages, { id, status: 'FAILED', reason: fault, updated_at: now });
      return undefined;
    },
    deliver: {
      sms: {
        to: provider,
        concurrency: workers,
        timeout: options.messageTimeout,
        retry: { attempts, backoff, by: 'pipeline' },
        outcome(sent, turn, outcome) {
          const { key: id } = turn;
          const becomes = sent === undefined ? becomesOf(outcome) : columnsOf(sent);
          turn.update(messages, { id, ...becomes, updated_at: toText(turn.now) });
          if (sent !== undefined || outcome.status !== 'delivered') return undefined;
          const { messageId } = Accepted.parse(outcome.answer);
          const entry = { messageId, sentAt: toText(outcome.at) };
          if (cache !== undefined) turn.deliver('cache', entry, { id });
          return entry;
        },
      },
      // Without a cache the endpoint does not exist, and nothing is delivered to it.
      ...(cacheEndpoint(cache) as Required<ReturnType<typeof cacheEndpoint>>),
    },
  });
}

function cacheEndpoint(cache: Transport | undefined): { readonly cache?: { readonly to: Transport } } {
  return cache === undefined ? {} : { cache: { to: cache } };
}

/** Returns an outcome's changes to the row of a message that was not sent before. Its other columns keep what others wrote. */
function becomesOf(outcome: DeliveryOutcome) {
  const { attempts } = outcome;
  switch (outcome.status) {
    case 'delivered': {
      const { messageId, rawResponse } = Accepted.parse(outcome.answer);
      const sent = columnsOf({ messageId, sentAt: toText(outcome.at) });
      return { ...sent, attempts, raw_response: rawResponse };
    }
    case 'given up':
      return { status: 'FAILED', attempts, reason: outcome.reason, retry_at: null, raw_response: rawResponseOf(outcome.answer) };
    case 'unknown': {
      const reason = `unknown: it may have been sent: ${outcome.reason}`;
      return { status: 'FAILED', attempts, reason, retry_at: null, raw_response: rawResponseOf(outcome.answer) };
    }
    case 'failed':
      return { attempts, reason: outcome.reason, retry_at: toText(outcome.retryAt), raw_response: rawResponseOf(outcome.answer) };
    case 'redriven':
      return { status: 'PENDING', attempts, reason: null, retry_at: null };
  }
}

function columnsOf({ messageId, sentAt }: Sent) {
  return { status: 'SUCCESS', message_id: messageId, sent_at: sentAt, reason: null, retry_at: null };
}

/** Null if the provider did not answer. */
function rawResponseOf(answer: unknown): string | null {
  const answered = Answered.safeParse(answer);
  return answered.success ? answered.data.rawResponse : null;
}
