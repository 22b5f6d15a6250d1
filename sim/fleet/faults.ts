import { setTimeout as pause } from 'node:timers/promises';
import type { FleetDatabase } from './database.ts';
import type { Member } from './member.ts';

/** Faults of a process. */
export const processFaults = ['kill', 'freeze', 'cut-lost', 'cut-late', 'stop'] as const;
/** Faults of the database. */
export const databaseFaults = ['restart-immediate', 'restart-fast', 'terminate'] as const;
export type ProcessFault = (typeof processFaults)[number];
export type DatabaseFault = (typeof databaseFaults)[number];
export type Fault = ProcessFault | DatabaseFault;

/** Duration and interval of ending connections, in milliseconds. */
const terminating = { forMs: 3_000, everyMs: 200 };
/** Downtime of the database. */
const awayMs = 2_000;

export function isProcessFault(fault: Fault): fault is ProcessFault {
  return processFaults.some((one) => one === fault);
}

/** Inflicts a fault on a process. Resolves once it serves again. @param lastsMs duration of a freeze or a cut, in milliseconds */
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

/** Inflicts a fault on the database. Resolves once it accepts connections again. */
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
