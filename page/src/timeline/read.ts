import { durationText } from '../lib/format.ts';
import type { Item, ItemKind } from './model.ts';

/** An item as `GET …/timeline` answers it. */
export interface TimelineItem {
  readonly id: string;
  readonly at: string;
  readonly durationMs?: number | null;
  readonly kind: string;
  readonly causedBy?: string | null;
  readonly commit?: string | null;
  readonly [name: string]: unknown;
}

/** How a kind of the API is shown. */
interface Reading {
  readonly kind: ItemKind;
  readonly isGood?: boolean;
  readonly text: (fields: Fields) => string;
  readonly label: (fields: Fields) => string;
}

/** The fields of an item that have names of their own; each is empty where it is not there. */
type Fields = Readonly<Record<'event' | 'timer' | 'endpoint' | 'to' | 'who' | 'action' | 'reason' | 'status' | 'attempt' | 'due', string>>;

const nothing = () => '';
const eventLabel = ({ event }: Fields) => event;
const why = ({ reason }: Fields) => (reason === '' ? '' : `: ${reason}`);
const attempt = ({ attempt }: Fields) => (attempt === '' ? '' : ` ${attempt}`);

const turn: Reading = { kind: 'turn', isGood: true, text: (item) => `Handled ${causeText(item)}`, label: causeText };
const failedTurn: Reading = {
  kind: 'turn',
  isGood: false,
  text: (item) => `Attempt${attempt(item)} at ${causeText(item)} failed${why(item)}`,
  label: causeText,
};
const parked: Reading = { kind: 'parked', text: (item) => `Gave up and parked the key${why(item)}`, label: nothing };
const timerSet: Reading = {
  kind: 'timer set',
  text: ({ timer, due }) => `Timer ${timer} set${due === '' ? '' : `, due ${due}`}`,
  label: nothing,
};
const timerDue: Reading = { kind: 'timer due', text: ({ timer }) => `Timer ${timer} came due`, label: () => 'due' };
const timerCancelled: Reading = { kind: 'timer cancelled', text: ({ timer }) => `Timer ${timer} cancelled`, label: () => 'cancelled' };
const asked: Reading = { kind: 'delivery asked', text: ({ endpoint }) => `Delivery to ${endpoint} asked for`, label: nothing };
const call: Reading = {
  kind: 'call',
  isGood: true,
  text: (item) => `${item.endpoint}, call${attempt(item)}: ${item.status || 'delivered'}`,
  label: ({ status }) => status || 'ok',
};
const failedCall: Reading = {
  ...call,
  isGood: false,
  text: (item) => `${item.endpoint}, call${attempt(item)} failed${why(item)}`,
  label: ({ status }) => status || 'failed',
};
const outcome: Reading = {
  kind: 'outcome',
  isGood: true,
  text: ({ endpoint, status }) => `Handled the outcome of ${endpoint}${status === '' ? '' : `: ${status}`}`,
  label: nothing,
};
const operator: Reading = {
  kind: 'operator',
  text: (item) => `${item.who || 'somebody'}: ${item.action}${why(item)}`,
  label: ({ who, action }) => `${who || 'somebody'}: ${action}`,
};

/** What the API calls what happens; each name is looked for as it stands, and then without what qualifies it. */
const readings: Readonly<Record<string, Reading>> = {
  accepted: { kind: 'accepted', text: (item) => `Accepted ${item.event || 'an event'}`, label: eventLabel },
  handled: turn,
  turn,
  attempt: failedTurn,
  'attempt failed': failedTurn,
  failed: failedTurn,
  retry: failedTurn,
  'gave up': parked,
  parked,
  skipped: { ...failedTurn, text: (item) => `Gave up ${causeText(item)}${why(item)}` },
  'timer set': timerSet,
  'timer fired': timerDue,
  'timer due': timerDue,
  'timer cancelled': timerCancelled,
  delivery: asked,
  'delivery asked': asked,
  asked,
  call,
  'call failed': failedCall,
  delivered: call,
  outcome,
  sent: { kind: 'sent', text: ({ to }) => `Sent to ${to}`, label: ({ to }) => to },
  send: { kind: 'sent', text: ({ to }) => `Sent to ${to}`, label: ({ to }) => to },
  operator,
};

function causeText({ event, timer, endpoint }: Fields): string {
  if (timer !== '') return `timer ${timer}`;
  if (endpoint !== '') return `the outcome of ${endpoint}`;
  return event === '' ? 'an event' : event;
}

/** Returns an item as the page shows it. One of a kind that it does not know is shown by its name. */
export function readItem(item: TimelineItem): Item {
  const { id, at, durationMs, kind, causedBy, commit, ...details } = item;
  const words = kind.replaceAll(/[-_]/g, ' ').toLowerCase();
  const fields = fieldsOf(details);
  const known = readings[words] ?? readings[words.split(' ')[0] ?? ''];
  const reading = known === undefined ? undefined : judged(known, details);
  const from = Date.parse(at);
  const shown = reading ?? { kind: 'other' as const, text: () => words, label: nothing };
  return {
    id,
    at: from,
    end: from + (durationMs ?? 0),
    kind: shown.kind,
    isGood: shown.isGood,
    name: nameOf(shown.kind, fields) || words,
    text: shown.text(fields),
    label: shown.label(fields),
    causedBy: causedBy ?? null,
    commit: commit ?? null,
    attempt: fields.attempt === '' ? undefined : Number(fields.attempt),
    reason: fields.reason === '' ? undefined : fields.reason,
    details,
  };
}

/** Attempts and calls that say themselves how they went. */
function judged(reading: Reading, details: Readonly<Record<string, unknown>>): Reading {
  const hasFailed = details.ok === false || details.failed === true || details.result === 'failed' || details.result === 'refused';
  if (reading === call && (hasFailed || typeof details.reason === 'string')) return failedCall;
  if (reading === turn && hasFailed) return failedTurn;
  if (reading === failedTurn && details.ok === true) return turn;
  return reading;
}

function nameOf(kind: ItemKind, { event, timer, endpoint, to, who }: Fields): string {
  if (kind.startsWith('timer')) return timer;
  if (kind === 'call' || kind === 'delivery asked' || kind === 'outcome') return endpoint;
  if (kind === 'sent') return to;
  return kind === 'operator' ? who : event;
}

function fieldsOf(details: Readonly<Record<string, unknown>>): Fields {
  const text = (...names: readonly string[]): string => {
    for (const name of names) {
      const value = details[name];
      if (typeof value === 'string' || typeof value === 'number') return String(value);
    }
    return '';
  };
  const pipeline = text('pipeline', 'toPipeline');
  const key = text('toKey', 'to', 'key');
  const dueAt = text('dueAt');
  const id = text('type', 'event', 'eventId', 'number');
  return {
    event: id.length > 20 ? `event ${id.slice(0, 8)}…` : id,
    timer: text('timer', 'name'),
    endpoint: text('endpoint'),
    to: pipeline !== '' && key !== '' ? `${pipeline}/${key}` : key || pipeline,
    who: text('who'),
    action: text('action'),
    reason: text('reason'),
    status: text('status', 'answer'),
    attempt: text('attempt', 'attempts', 'call'),
    due: dueAt === '' ? '' : `${dueAt.slice(11, 19)}, in ${durationText(Math.max(0, Date.parse(dueAt) - Date.now()))}`,
  };
}
