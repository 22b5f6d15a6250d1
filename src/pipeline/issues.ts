import type { Issue } from '../errors.ts';
import { toStorableText } from './text.ts';

/** Maximum number of issues shown per input. One body may have a million. */
export const issuesMax = 100;
/** Maximum characters of an issue's path, and of its message. */
export const issueLengthMax = 500;
/** Maximum characters of the one-sentence summary. */
const summaryLengthMax = 2_000;

/** The problems with an input: its first issues, and how many it has in total. */
export interface Issues {
  readonly issues: readonly Issue[];
  readonly issueCount: number;
}

/** Cuts a path or a message to the length that is shown. */
export function shownPart(text: string): string {
  return text.length > issueLengthMax ? toStorableText(text, issueLengthMax) : text;
}

/** Summarises the issues in one sentence for an error message, and says how many it leaves out. */
export function summaryOf({ issues, issueCount }: Issues): string {
  let summary = '';
  let told = 0;
  for (const { path, message } of issues) {
    const issue = path === '' ? message : `${path}: ${message}`;
    if (told > 0 && summary.length + issue.length > summaryLengthMax) break;
    summary += told === 0 ? issue : `; ${issue}`;
    told += 1;
  }
  return told < issueCount ? `${summary}; and ${issueCount - told} more` : summary;
}
