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

/** The log's text for a message that the provider would not accept; `checks/messages.ts` inspects its row. */
const givenUp = 'gave up a delivery';

/** The contents of a life's log. */
export interface Told {
  /** Incidents of accounts and workers, by name, in the order reported. */
  readonly happenings: readonly string[];
  /** Unexpected lines at level error or fatal. */
  readonly errors: readonly string[];
}

/**
 * Reads the log of a life that has ended. The turns of accounts and workers report their decisions before these are on disk: so anything an
 * earlier life had on disk must not be reported again, and nothing twice in one life.
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

/** Undefined for anything but a log line, such as a last one cut by a kill. */
function parse(text: string): z.infer<typeof Line> | undefined {
  try {
    return Line.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
