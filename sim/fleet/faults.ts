import { setTimeout as pause } from 'node:timers/promises';
import type { FleetDatabase } from './database.ts';
import type { Member } from './member.ts';

/** What is done to a process. */
export const processFaults = ['kill', 'freeze', 'cut-lost', 'cut-late', 'stop'] as const;
/** What is done to the database. */
export const databaseFaults = ['restart-immediate', 'restart-fast', 'terminate'] as const;
export type ProcessFault = (typeof processFaults)[number];
export type DatabaseFault = (typeof databaseFaults)[number];
export type Fault = ProcessFault | DatabaseFault;

/** For how long connections are ended, and how often, in milliseconds. */
const terminating = { forMs: 3_000, everyMs: 200 };
/** For how long the database is away. */
const awayMs = 2_000;

export function isProcessFault(fault: Fault): fault is ProcessFault {
  return processFaults.some((one) => one === fault);
}

/** Does something to a process. Resolves once it serves again. @param lastsMs how long a freeze or a cut lasts, in milliseconds */
export async function harm(member: Member, fault: ProcessFault, lastsMs: number): Promise<void> {
  await member.suffer(async () => {
    if (fault === 'kill') {
      await member.kill();
      await member.startAgain();
    } else if (fault === 'stop') {
      await member.stop();
      await member.startAgain();
    } else if (fault === 'freeze') {
      member.freeze();
      await pause(lastsMs);
      member.wake();
    } else {
      member.cut(fault === 'cut-lost' ? 'lost' : 'late');
      await pause(lastsMs);
      member.goOn();
    }
  });
}

/** Does something to the database. Resolves once that takes connections again. */
export async function harmDatabase(database: FleetDatabase, fault: DatabaseFault): Promise<void> {
  if (fault === 'terminate') {
    for (const until = performance.now() + terminating.forMs; performance.now() < until; ) {
      await database.endConnections();
      await pause(terminating.everyMs);
    }
    return;
  }
  await (fault === 'restart-fast' ? database.shutDown() : database.kill());
  await pause(awayMs);
  await database.run();
}
