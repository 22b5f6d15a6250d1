import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { nameOfUpdate } from './loads/accounts.ts';

const Line = z.object({
  level: z.string(),
  msg: z.string(),
  id: z.string().optional(),
  version: z.int().optional(),
  message: z.string().optional(),
});

/** What the log says of a message that the provider would not take; `checks/messages.ts` looks at its row. */
const givenUp = 'gave up a delivery';

/** What a life's log says. */
export interface Told {
  /** What happened to accounts and workers, by name, in the order in which it was told. */
  readonly happenings: readonly string[];
  /** Lines at level error or fatal that nobody expects. */
  readonly errors: readonly string[];
}

/**
 * Reads the log of a life that has ended. The turns of accounts and workers tell what they decide, before it is on disk: so
 * what a former life had on disk must not be told again, and nothing be told twice by one.
 */
export function readTold(log: string): Told {
  const happenings: string[] = [];
  const errors: string[] = [];
  for (const text of readFileSync(log, 'utf8').split('\n')) {
    const line = parse(text);
    if (line === undefined) continue;
    if ((line.level === 'error' || line.level === 'fatal') && line.msg !== givenUp) errors.push(text);
    const name = happeningOf(line);
    if (name !== undefined) happenings.push(name);
  }
  return { happenings, errors };
}

function happeningOf({ msg, id, version, message }: z.infer<typeof Line>): string | undefined {
  if (msg === 'spoke' && message !== undefined) return `spoke ${message}`;
  const isOfAccount = msg === 'indexed' || msg === 'callback' || msg === 'cancelled';
  return isOfAccount && id !== undefined && version !== undefined ? `${msg} ${nameOfUpdate({ id, version })}` : undefined;
}

/** Undefined for what is no line of the log, as the last one may be that a kill has cut. */
function parse(text: string): z.infer<typeof Line> | undefined {
  try {
    return Line.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
