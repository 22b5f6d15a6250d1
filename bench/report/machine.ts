import { closeSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { median } from '../work/distribution.ts';

/** The machine on which the figures were measured. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  /** The median time to write and sync 4 KiB on the measured disk, in milliseconds. */
  readonly fsyncMs: number;
  /** Load average of the last minute before measuring: the machine's other activity. */
  readonly load: number;
  readonly servers: Readonly<Record<string, string>>;
}

const syncs = 50;

export function describeMachine(folder: string, servers: Readonly<Record<string, string>>): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()}`,
    node: process.version,
    fsyncMs: measureFsync(folder),
    load: loadOfLastMinute(),
    servers,
  };
}

export function machineLines(machine: Machine): string[] {
  const servers = Object.entries(machine.servers).map(([name, version]) => `${name} ${version}`);
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}`,
    [
      `Node.js ${machine.node}`,
      ...servers,
      `fsync of 4 KiB ${machine.fsyncMs.toFixed(2)} ms`,
      `load ${machine.load.toFixed(2)} at the start`,
    ].join(', '),
  ];
}

function measureFsync(folder: string): number {
  const path = join(folder, 'fsync');
  const file = openSync(path, 'w');
  const block = Buffer.alloc(4096, 1);
  const times = Array.from({ length: syncs }, () => {
    const startedAt = performance.now();
    writeSync(file, block);
    fsyncSync(file);
    return performance.now() - startedAt;
  });
  closeSync(file);
  rmSync(path);
  return median(times);
}

function loadOfLastMinute(): number {
  return process.platform === 'linux' ? Number.parseFloat(readFileSync('/proc/loadavg', 'utf8')) : Number.NaN;
}
