import type { Issue } from '../errors.ts';
import { toStorableText } from './text.ts';

/** How many issues are shown of one input. One body may have a million of them. */
export const issuesMax = 100;
/** Characters of an issue's path, and of its message. */
export const issueLengthMax = 500;
/** Characters of the issues in one sentence. */
const summaryLengthMax = 2_000;

/** What is wrong with an input: the first of its issues, and how many it has. */
export interface Issues {
  readonly issues: readonly Issue[];
  readonly issueCount: number;
}

/** Cuts a path or a message to the length that is shown. */
export function shownPart(text: string): string {
  return text.length > issueLengthMax ? toStorableText(text, issueLengthMax) : text;
}

/** The issues in one sentence, for the message of an error; it says how many it leaves out. */
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
