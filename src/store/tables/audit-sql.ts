import type { AuditEntry, AuditQuery } from '../store.ts';

/** The columns of the audit, in the order of {@link auditRow}. */
export const auditColumns = ['id', 'at', 'who', 'action', 'pipeline', 'key', 'subject', 'reason'] as const;

type Value = string | number | null;

export type AuditRow = readonly Value[];

export function auditRow({ id, at, who, action, pipeline, key, subject, reason }: AuditEntry): AuditRow {
  return [id, at, who, action, pipeline, key, subject, reason];
}

export function toAuditEntry([id, at, who, action, pipeline, key, subject, reason]: readonly unknown[]): AuditEntry {
  return {
    id: String(id),
    at: Number(at),
    who: textOrNull(who),
    action: String(action),
    pipeline: String(pipeline),
    key: textOrNull(key),
    subject: textOrNull(subject),
    reason: textOrNull(reason),
  };
}

/** Builds the statement that lists entries, latest first, with its parameters. */
export function auditSelect(
  { pipeline, key, before, limit }: AuditQuery,
  parameter: (nth: number) => string,
): { readonly text: string; readonly values: readonly (string | number)[] } {
  const values: (string | number)[] = [];
  const given = (value: string | number) => parameter(values.push(value));
  const conditions = [
    ...(pipeline === undefined ? [] : [`pipeline = ${given(pipeline)}`]),
    ...(key === undefined ? [] : [`"key" = ${given(key)}`]),
    ...(before === undefined ? [] : [`id < ${given(before)}`]),
  ];
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const columns = auditColumns.map((name) => `"${name}"`).join(', ');
  return { text: `SELECT ${columns} FROM millrace_audit ${where} ORDER BY id DESC LIMIT ${given(limit)}`, values };
}

function textOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}
