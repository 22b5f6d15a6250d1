import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';

/** What this machine, or this process, has run out of, by the code of the error. */
const shortages: ReadonlyMap<unknown, string> = new Map([
  ['EMFILE', 'this process has no descriptor left'],
  ['ENFILE', 'this machine has no descriptor left'],
  ['ENOBUFS', 'this machine has no buffer left'],
  ['ENOMEM', 'this machine has no memory left'],
]);

/** The same for an address that the operator has chosen. Whoever chooses an address that comes from data can bring these about. */
const trustedShortages: ReadonlyMap<unknown, string> = new Map([
  ...shortages,
  ['EADDRNOTAVAIL', 'this machine has no port left'],
  ['EAI_AGAIN', 'the resolver of this machine does not answer'],
]);

/**
 * Says what this machine was short of when a call failed before anything was sent; undefined when the failure is that of the other side, or may
 * be. @param isTrusted whether the address was the operator's choice
 */
export function shortageOf(error: unknown, { isTrusted }: { readonly isTrusted: boolean }): string | undefined {
  // Several addresses were tried; a shortage meets the first already.
  const cause: unknown = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  const code: unknown = cause instanceof Error ? Reflect.get(cause, 'code') : undefined;
  const shortage = (isTrusted ? trustedShortages : shortages).get(code);
  // A look-up that finds no descriptor for its own use says only that it has failed.
  if (shortage !== undefined && code !== 'EAI_AGAIN') return shortage;
  return code === 'EAI_AGAIN' ? (descriptorShortage() ?? shortage) : undefined;
}

/** Descriptors that a look-up needs at once: for the files that it reads, and for a socket to each of its servers. */
const lookupDescriptors = 4;

function descriptorShortage(): string | undefined {
  const open: number[] = [];
  try {
    while (open.length < lookupDescriptors) open.push(openSync(devNull, 'r'));
    return undefined;
  } catch (error) {
    return error instanceof Error ? shortages.get(Reflect.get(error, 'code')) : undefined;
  } finally {
    for (const descriptor of open) closeSync(descriptor);
  }
}
