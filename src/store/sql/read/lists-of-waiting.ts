import { deliveryFailureOf } from '../../delivery-failure.ts';
import { keyRangeOf } from '../../key-range.ts';
import type { DeliveriesQuery, ListedDelivery, ListedTimer, PartitionId, TimersQuery } from '../../store.ts';
import type { Parameter, Row, Statement } from '../connection/statement.ts';

/** Conditions and their parameter values, following those of the partition. */
class Conditions {
  readonly values: Parameter[];
  readonly #texts = ['pipeline = $1', 'slice = $2'];

  constructor({ pipeline, slice }: PartitionId) {
    this.values = [pipeline, slice];
  }

  /** @param conditionOf builds the condition from the parameter names, one for each value */
  add(values: readonly Parameter[], conditionOf: (...names: readonly string[]) => string): void {
    const names = values.map((_, at) => `$${this.values.length + at + 1}`);
    this.values.push(...values);
    this.#texts.push(conditionOf(...names));
  }

  /** Returns the name of a parameter with this value. */
  parameter(value: Parameter): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  get text(): string {
    return this.#texts.join(' AND ');
  }
}

/** Returns the statement that lists the pending timers of a partition, soonest first. */
export function timerListStatement(partition: PartitionId, { name, prefix, before, after, limit }: TimersQuery): Statement {
  const conditions = new Conditions(partition);
  conditions.add(['timer'], (kind) => `kind = ${kind}`);
  if (name !== undefined) conditions.add([name], (only) => `name = ${only}`);
  if (before !== undefined) conditions.add([before], (moment) => `due_at < ${moment}`);
  if (prefix !== undefined) {
    const { from, below } = keyRangeOf({ prefix });
    conditions.add([from], (first) => `"key" >= ${first}`);
    if (below !== undefined) conditions.add([below], (end) => `"key" < ${end}`);
  }
  if (after !== undefined) {
    conditions.add(
      [after.dueAt, after.key, after.name],
      (due, key, own) => `due_at >= ${due} AND (due_at > ${due} OR "key" > ${key} OR ("key" = ${key} AND name > ${own}))`,
    );
  }
  const most = conditions.parameter(limit);
  const text = `SELECT "key", name, due_at, attempts, retry_at FROM millrace_causes WHERE ${conditions.text}
    ORDER BY due_at, "key", name LIMIT ${most}`;
  return { text, values: conditions.values };
}

/** Returns the statement that lists the deliveries of an endpoint in a partition, by key and id. */
export function deliveryListStatement(partition: PartitionId, { endpoint, key, id: own, after, limit }: DeliveriesQuery): Statement {
  const conditions = new Conditions(partition);
  conditions.add([endpoint], (name) => `endpoint = ${name}`);
  if (key !== undefined) conditions.add([key], (only) => `"key" = ${only}`);
  if (own !== undefined) conditions.add([own], (only) => `id = ${only}`);
  if (after !== undefined) conditions.add([after.key, after.id], (last, id) => `"key" >= ${last} AND ("key" > ${last} OR id > ${id})`);
  const most = conditions.parameter(limit);
  const text = `SELECT "key", id, endpoint, url, asked_at, attempts, due_at, failure, failed_at FROM millrace_deliveries WHERE ${conditions.text}
    ORDER BY "key", id LIMIT ${most}`;
  return { text, values: conditions.values };
}

export function toListedTimer([key, name, dueAt, attempts, retryAt]: Row): ListedTimer {
  return { key: String(key), name: String(name), dueAt: Number(dueAt), attempts: Number(attempts), retryAt: numberOrNull(retryAt) };
}

export function toListedDelivery([key, id, endpoint, url, askedAt, attempts, dueAt, failure, failedAt]: Row): ListedDelivery {
  return {
    key: String(key),
    id: String(id),
    endpoint: String(endpoint),
    url: url === null ? null : String(url),
    askedAt: Number(askedAt),
    attempts: Number(attempts),
    dueAt: numberOrNull(dueAt),
    lastFailure: deliveryFailureOf(failure, failedAt),
  };
}

function numberOrNull(value: Row[number] | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}
