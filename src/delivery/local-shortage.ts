import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';

/** Resources that this machine or process can run out of, by error code. */
const shortages: ReadonlyMap<unknown, string> = new Map([
  ['EMFILE', 'this process has run out of file descriptors'],
  ['ENFILE', 'this machine has run out of file descriptors'],
  ['ENOBUFS', 'this machine has run out of buffers'],
  ['ENOMEM', 'this machine has run out of memory'],
]);

/** The same for an address the operator chose. If the address comes from data, whoever chose it can provoke these errors. */
const trustedShortages: ReadonlyMap<unknown, string> = new Map([
  ...shortages,
  ['EADDRNOTAVAIL', 'this machine has run out of ports'],
  ['EAI_AGAIN', "this machine's resolver does not answer"],
]);

/**
 * Returns the resource this machine lacked when a call failed before anything was sent; undefined if the other side failed, or may have.
 * @param isTrusted whether the operator chose the address
 */
export function shortageOf(error: unknown, { isTrusted }: { readonly isTrusted: boolean }): string | undefined {
  // Several addresses were tried; a shortage already affects the first.
  const cause: unknown = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  const code: unknown = cause instanceof Error ? Reflect.get(cause, 'code') : undefined;
  const shortage = (isTrusted ? trustedShortages : shortages).get(code);
  // A look-up that gets no descriptor reports only a failure.
  if (shortage !== undefined && code !== 'EAI_AGAIN') return shortage;
  return code === 'EAI_AGAIN' ? (descriptorShortage() ?? shortage) : undefined;
}

/** Descriptors that a look-up needs at once: for the files it reads, and a socket to each name server. */
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
