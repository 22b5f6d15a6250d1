import { authorization } from './session.ts';
import { createStore } from './store.ts';
import type { EngineNow, Happening, PipelineNow } from './types.ts';

/** The latest data from `GET /live`. */
export interface Live {
  readonly isOn: boolean;
  readonly isConnected: boolean;
  /** By the server's clock, in milliseconds; 0 before the first data. */
  readonly at: number;
  readonly pipelines: Readonly<Record<string, PipelineNow>>;
  readonly engine: EngineNow | undefined;
  /** The latest first. It is a sample. */
  readonly happenings: readonly Happening[];
  /** The time at which the server was last heard from, by the reader's clock. */
  readonly heardAt: number;
}

export const live = createStore<Live>({
  isOn: true,
  isConnected: false,
  at: 0,
  pipelines: {},
  engine: undefined,
  happenings: [],
  heardAt: Date.now(),
});

const happeningsMax = 40;
const tryEveryMs = 2_000;
let under: AbortController | undefined;

/** Follows the live feed until it is turned off, and reconnects when it breaks off. */
export async function followLive(): Promise<void> {
  under?.abort();
  const controller = new AbortController();
  under = controller;
  while (!controller.signal.aborted) {
    try {
      await readFeed(controller.signal);
    } catch (error) {
      if (controller.signal.aborted) return;
      // The missing answer is shown; the page keeps trying.
      if (!(error instanceof Error)) throw error;
    }
    live.update((now) => ({ ...now, isConnected: false }));
    await new Promise((resolve) => setTimeout(resolve, tryEveryMs));
  }
}

export function endLive(): void {
  under?.abort();
}

export function toggleLive(): void {
  const isOn = !live.get().isOn;
  live.update((now) => ({ ...now, isOn }));
  if (isOn) void followLive();
  else endLive();
}

async function readFeed(signal: AbortSignal): Promise<void> {
  const answer = await fetch('/live', { headers: authorization(), signal });
  if (!answer.ok || answer.body === null) throw new Error(`the server answered ${answer.status}`);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let unread = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    unread += value;
    const messages = unread.split('\n\n');
    unread = messages.pop() ?? '';
    for (const message of messages) take(message);
  }
}

function take(message: string): void {
  const event = /^event: (.*)$/m.exec(message)?.[1];
  const content = /^data: (.*)$/m.exec(message)?.[1];
  if (content === undefined) return;
  if (event === 'figures') {
    const { at, pipelines, engine } = JSON.parse(content);
    live.update((now) => ({ ...now, isConnected: true, at: Date.parse(at), pipelines, engine, heardAt: Date.now() }));
  } else if (event === 'sample') {
    const { items } = JSON.parse(content) as { items: readonly Happening[] };
    live.update((now) => ({ ...now, happenings: [...items.toReversed(), ...now.happenings].slice(0, happeningsMax) }));
  }
}
