import { countOf, momentText } from '../lib/format.ts';
import { withCauses } from './causes.ts';
import type { Item } from './model.ts';

/** An item as `GET …/timeline` returns it: its fields depend on its kind. */
export interface TimelineItem {
  readonly id: string;
  readonly at: string;
  readonly kind: string;
  readonly durationMs?: number;
  readonly causedBy?: string;
  readonly commit?: string | null;
  readonly attempt?: number;
  readonly attempts?: number;
  readonly event?: string;
  readonly position?: number;
  readonly number?: number;
  /** In milliseconds since the epoch, like `dueAt`. */
  readonly acceptedAt?: number;
  readonly timer?: string;
  readonly dueAt?: number;
  readonly endpoint?: string;
  readonly delivery?: string;
  readonly result?: string;
  readonly to?: string;
  readonly parked?: boolean;
  readonly who?: string | null;
  readonly action?: string;
  readonly reason?: string | null;
  readonly [fact: string]: unknown;
}

type Shown = Pick<Item, 'kind' | 'text'> & Partial<Pick<Item, 'isGood' | 'name' | 'label'>>;

/**
 * Returns the items as the page shows them, newest first; details that the API returns with a turn, such as when its event was accepted,
 * become separate items.
 */
export function readTimeline(items: readonly TimelineItem[]): readonly Item[] {
  const read = items.map(readItem);
  return withCauses([...read, ...acceptedIn(items), ...dueIn(items)]).toSorted((a, b) => b.at - a.at || b.end - a.end);
}

/** An unknown kind is shown by its name. */
function readItem(item: TimelineItem): Item {
  const shown = (readings[item.kind] ?? unknownKind)(item);
  const { id, at, durationMs = 0, causedBy, commit, kind: _, ...details } = item;
  const told = Date.parse(at);
  // Failures and the ends of calls are recorded when they happen, everything else when it begins.
  const from = shown.isGood === false || shown.kind === 'call' ? told - durationMs : told;
  const name = shown.name ?? '';
  return {
    id,
    at: from,
    end: from + durationMs,
    isGood: undefined,
    label: '',
    ...shown,
    name,
    causedBy: causedBy ?? null,
    commit: commit ?? null,
    attempt: item.attempt,
    reason: item.reason ?? undefined,
    details,
  };
}

/** Returns the subject of a turn: an event by its number or place in the log, a timer, or the outcome of a delivery. */
function subjectOf({ event, number, position, timer, endpoint }: TimelineItem): string {
  if (timer !== undefined) return `timer ${timer}`;
  if (endpoint !== undefined) return `the outcome of ${endpoint}`;
  if (number !== undefined) return `number ${number}`;
  if (event !== undefined && event.length <= 24) return event;
  return position === undefined ? 'an event' : `event ${position}`;
}

function because({ reason }: TimelineItem): string {
  return reason == null || reason === '' ? '' : `: ${reason}`;
}

function byOperation({ operation }: TimelineItem): string {
  return operation === undefined ? ' by a program' : ` by the operation ${String(operation).slice(0, 8)}…`;
}

function turnOf(item: TimelineItem): Pick<Shown, 'kind' | 'name' | 'label'> {
  const subject = subjectOf(item);
  return { kind: item.endpoint === undefined ? 'turn' : 'outcome', name: item.endpoint ?? subject, label: subject };
}

const unknownKind = ({ kind }: TimelineItem): Shown => ({ kind: 'other', text: kind.replaceAll('-', ' ') });

const readings: Readonly<Record<string, (item: TimelineItem) => Shown>> = {
  handled: (item) => ({ ...turnOf(item), isGood: true, text: `Handled ${subjectOf(item)}` }),
  ignored: (item) => ({ ...turnOf(item), isGood: true, text: `Ignored ${subjectOf(item)}${because(item)}` }),
  failed: (item) => ({
    ...turnOf(item),
    kind: 'turn',
    isGood: false,
    text: `Attempt ${item.attempt ?? ''} at ${subjectOf(item)} failed${because(item)}`,
  }),
  'gave-up': (item) => ({
    kind: item.parked === true ? 'parked' : 'other',
    text: `Gave up after ${countOf(item.attempts ?? 1, 'attempt')}${item.parked === true ? ' and parked the key' : ''}${because(item)}`,
  }),
  'gap-skipped': (item) => ({ kind: 'other', text: `Skipped missing numbers${because(item)}` }),
  'timer-set': ({ timer = '', dueAt }) => ({
    kind: 'timer set',
    name: timer,
    text: `Timer ${timer} set${dueAt === undefined ? '' : `, due ${momentText(dueAt)}`}`,
  }),
  'timer-cancelled': ({ timer = '' }) => ({ kind: 'timer cancelled', name: timer, text: `Timer ${timer} cancelled`, label: 'cancelled' }),
  sent: ({ to = '' }) => ({ kind: 'sent', name: to, text: `Sent to ${to}`, label: to }),
  'delivery-asked': ({ endpoint = '' }) => ({ kind: 'delivery asked', name: endpoint, text: `Delivery to ${endpoint} asked for` }),
  'delivery-called': (item) => {
    const { endpoint = '', attempt = 1, result } = item;
    const isGood = result === 'delivered';
    const status = /status (\d{3})/.exec(item.reason ?? '')?.[1];
    const text = isGood ? `${endpoint}, call ${attempt}: delivered` : `${endpoint}, call ${attempt} ${result ?? 'failed'}${because(item)}`;
    return { kind: 'call', name: endpoint, isGood, text, label: isGood ? 'ok' : (status ?? '') };
  },
  'delivery-withdrawn': (item) => ({
    kind: 'withdrawn',
    name: item.endpoint ?? '',
    text: `Delivery to ${item.endpoint ?? ''} withdrawn${because(item)}`,
    label: 'withdrawn',
  }),
  redriven: (item) => ({ kind: 'operator', text: `Redriven${byOperation(item)}`, label: 'redriven' }),
  discarded: (item) => ({ kind: 'operator', text: `Discarded${byOperation(item)}`, label: 'discarded' }),
  operator: (item) => {
    const text = `${item.who ?? 'somebody'}: ${item.action ?? ''}`;
    return { kind: 'operator', name: item.who ?? '', text: `${text}${because(item)}`, label: text };
  },
};

/** Returns the acceptance of each event, from its turns and attempts. */
function acceptedIn(items: readonly TimelineItem[]): readonly Item[] {
  const accepted = new Map<string, Item>();
  for (const item of items) {
    const { event, acceptedAt } = item;
    if (event === undefined || acceptedAt === undefined) continue;
    const subject = subjectOf(item);
    accepted.set(event, derived(event, acceptedAt, { kind: 'accepted', name: subject, label: subject, text: `Accepted ${subject}` }));
  }
  return [...accepted.values()];
}

/** The moment at which each timer came due, taken from its turn. Its cause is whatever set the timer. */
function dueIn(items: readonly TimelineItem[]): readonly Item[] {
  return items.flatMap(({ id, kind, timer, dueAt, causedBy = null }) => {
    if (timer === undefined || dueAt === undefined || kind === 'timer-set') return [];
    const due = derived(`${id} due`, dueAt, { kind: 'timer due', name: timer, label: 'due', text: `Timer ${timer} came due` });
    return [{ ...due, causedBy }];
  });
}

function derived(id: string, at: number, shown: Shown & Pick<Item, 'name' | 'label'>): Item {
  const none = { isGood: undefined, causedBy: null, commit: null, attempt: undefined, reason: undefined, details: {} };
  return { id, at, end: at, ...none, ...shown };
}
