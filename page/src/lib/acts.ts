import { useMemo } from 'preact/hooks';
import { get, type Page } from './api.ts';
import { useLoaded } from './load.ts';
import type { AuditEntry } from './types.ts';

/** An operator's act, shown as a line through every chart of its pipeline. */
export interface Act {
  readonly pipeline: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly text: string;
}

const everyMs = 10_000;
const actsMax = 100;

/** Returns recent acts, the latest first: those on one pipeline, or on all of them. */
export function useActs(pipeline = ''): readonly Act[] {
  const { value } = useLoaded((signal) => get<Page<AuditEntry>>('/audit', { pipeline, limit: actsMax }, signal), [pipeline], everyMs);
  return useMemo(() => (value?.items ?? []).map(actOf), [value]);
}

function actOf({ pipeline, at, who, action, key, reason }: AuditEntry): Act {
  const what = [action, key].filter((word) => word !== null).join(' ');
  return { pipeline, at: Date.parse(at), text: `${who ?? 'operator'}: ${what}${reason === null ? '' : `: ${reason}`}` };
}
