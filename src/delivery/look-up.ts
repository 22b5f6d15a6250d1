import { lookup as lookUpBySystem, Resolver } from 'node:dns';
import { readFileSync, statSync } from 'node:fs';
import type { LookupFunction } from 'node:net';
import { join } from 'node:path';

type LookupOptions = Parameters<LookupFunction>[1];
type LookupCallback = Parameters<LookupFunction>[2];

/** The name servers to use. By default the system's, each asked twice and given 3 s at first. */
export interface NameServers {
  readonly servers?: readonly string[];
  readonly timeoutMs?: number;
}

/** Maximum look-ups waiting for the system resolver; further ones fail. */
const waitingMax = 100;

/** Errors after which the system resolver may still know more: the name servers do not know the name, or there are none. */
const unknownHere: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'ENODATA', 'ECONNREFUSED', 'ENOTIMP', 'EBADNAME', 'EFORMERR']);

/**
 * Resolves names that came from data. The system resolver handles two names at a time per process, so two names with unresponsive servers
 * would hold up every other look-up. This asks the name servers directly instead, with no limit but the number of calls. It consults the
 * system for names in its hosts file and, one at a time, for names the name servers do not know.
 */
export function lookUpDirectly({ servers, timeoutMs = 3_000 }: NameServers = {}): LookupFunction {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 2 });
  if (servers !== undefined) resolver.setServers(servers);
  const bySystem = oneAtATime(lookUpBySystem as LookupFunction);
  const hosts = hostsFile();
  return (hostname, options, callback) => {
    if (hosts.has(hostname)) return lookUpBySystem(hostname, options, callback);
    askServers(resolver, hostname, options, (error, addresses) => {
      if (error !== null && unknownHere.has(error.code)) bySystem(hostname, options, callback);
      else if (error !== null) callback(error, []);
      else if (options.all === true) callback(null, addresses);
      else callback(null, addresses[0]?.address ?? '', addresses[0]?.family);
    });
  };
}

type Found = readonly { readonly address: string; readonly family: number }[];

function askServers(
  resolver: Resolver,
  hostname: string,
  { family = 0 }: LookupOptions,
  callback: (error: NodeJS.ErrnoException | null, found: { address: string; family: number }[]) => void,
): void {
  const families = family === 0 ? [4, 6] : [family === 'IPv6' || family === 6 ? 6 : 4];
  const answers: (Found | NodeJS.ErrnoException)[] = [];
  for (const [at, of] of families.entries()) {
    const answered = (error: NodeJS.ErrnoException | null, addresses: readonly string[] = []) => {
      answers[at] = error ?? addresses.map((address) => ({ address, family: of }));
      if (Object.keys(answers).length < families.length) return;
      const found = answers.flatMap((answer) => (answer instanceof Error ? [] : answer));
      const fault = answers.find((answer) => answer instanceof Error);
      callback(found.length > 0 || fault === undefined ? null : fault, found);
    };
    if (of === 4) resolver.resolve4(hostname, answered);
    else resolver.resolve6(hostname, answered);
  }
}

/** Runs look-ups one after another, so that one that never ends blocks only its own slot. */
function oneAtATime(lookup: LookupFunction): LookupFunction {
  const waiting: (() => void)[] = [];
  let isBusy = false;
  const next = () => {
    const begin = waiting.shift();
    isBusy = begin !== undefined;
    begin?.();
  };
  return (hostname, options, callback: LookupCallback) => {
    if (waiting.length >= waitingMax) {
      const error = Object.assign(new Error(`getaddrinfo: ${waitingMax} names are already waiting for the system`), { code: 'EAI_BUSY' });
      return queueMicrotask(() => callback(error, []));
    }
    waiting.push(() =>
      lookup(hostname, options, (...found) => {
        next();
        callback(...found);
      }),
    );
    if (!isBusy) next();
  };
}

/** The names in the hosts file, reread when it changes. An unreadable file counts as empty. */
function hostsFile() {
  const path = process.platform === 'win32' ? join(process.env.SystemRoot ?? 'C:\\Windows', 'System32/drivers/etc/hosts') : '/etc/hosts';
  let names: ReadonlySet<string> = new Set();
  let changedAt = -1;
  return {
    has(hostname: string): boolean {
      const { mtimeMs = -1 } = statSync(path, { throwIfNoEntry: false }) ?? {};
      if (mtimeMs !== changedAt) names = mtimeMs === -1 ? new Set() : namesIn(path);
      changedAt = mtimeMs;
      return names.has(hostname.toLowerCase());
    },
  };
}

function namesIn(path: string): ReadonlySet<string> {
  const lines = readFileSync(path, 'utf8').toLowerCase().split('\n');
  return new Set(lines.flatMap((line) => line.replace(/#.*/, '').trim().split(/\s+/).slice(1)));
}
