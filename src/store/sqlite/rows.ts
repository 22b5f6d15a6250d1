import type { HeldEvent, KeyRecord, LoggedEvent, StoredDelivery, StoredTimer } from '../store.ts';

/*
 * Rows as they are selected and go between threads, in the order of the columns in the SQL, and what the port makes of
 * them.
 */

export type LogRow = readonly [
  position: number,
  key: string,
  id: string,
  number: number | null,
  acceptedAt: number,
  body: string,
  traceparent: string | null,
];
export type HeldRow = readonly [...LogRow, order: number, attempts: number, retryAt: number | null];
export type KeyRow = readonly [
  state: string | null,
  version: number | null,
  next: number | null,
  parked: number | null,
  heldFrom: number | null,
  held: number,
  timers: readonly TimerRow[],
];
export type TimerRow = readonly [key: string, name: string, dueAt: number, data: string | null, attempts: number, retryAt: number | null];
export type DeliveryRow = readonly [
  id: string,
  key: string,
  endpoint: string,
  body: string,
  url: string | null,
  ordered: number,
  askedAt: number,
  traceparent: string | null,
  attempts: number,
  dueAt: number | null,
];

export function toLoggedEvent([position, key, id, number, acceptedAt, body, traceparent]: LogRow): LoggedEvent {
  return { position, key, id, number, acceptedAt, body, traceparent };
}

export function toHeldEvent([position, key, id, number, acceptedAt, body, traceparent, order, attempts, retryAt]: HeldRow): HeldEvent {
  return { position, key, id, number, acceptedAt, body, traceparent, order, attempts, retryAt };
}

/** Every column but the last two is null when nothing is known of the key. */
export function toKeyRecord([json, version, next, parked, heldFrom, held, timers]: KeyRow): KeyRecord {
  const state = json === null || version === null ? null : { json, version };
  return { state, next, parked: parked === 1, heldFrom, held, timers: timers.map(([, ...timer]) => toStoredTimer(timer)) };
}

export function toTimer([key, ...timer]: TimerRow): StoredTimer & { readonly key: string } {
  return { key, ...toStoredTimer(timer) };
}

export function toDelivery([id, key, endpoint, body, url, ordered, askedAt, traceparent, attempts, dueAt]: DeliveryRow): StoredDelivery {
  return { id, key, endpoint, body, url, ordered: ordered === 1, askedAt, traceparent, attempts, dueAt };
}

function toStoredTimer([name, dueAt, data, attempts, retryAt]: TimerRow extends readonly [string, ...infer Rest]
  ? Rest
  : never): StoredTimer {
  return { name, dueAt, data, attempts, retryAt };
}
