import { isIP } from 'node:net';

/** Maximum remembered spellings of valid hosts: case and port differ. */
const seenMax = 100;

/**
 * The hosts that a request may name. Any site can point its own name at this machine (DNS rebinding), so that its pages share an origin
 * with this server. It cannot do that with an address or with a name without a dot, such as `localhost` or a container's, and its own name
 * is not one of ours.
 */
export class Hosts {
  readonly #names: Set<string>;
  /** Valid `Host` values seen before. */
  readonly #seen = new Set<string | undefined>([undefined]);

  constructor(names: readonly string[] = []) {
    this.#names = new Set(names.map((name) => name.toLowerCase()));
  }

  /** Admits one more name: the one the server listens on. */
  add(name: string): void {
    this.#names.add(name.toLowerCase());
  }

  /** Returns whether a request with this `Host` may pass. Browsers always send one. */
  knows(host: string | undefined): boolean {
    if (this.#seen.has(host)) return true;
    const isGood = this.#isGood(nameIn(host ?? ''));
    if (isGood && this.#seen.size < seenMax) this.#seen.add(host);
    return isGood;
  }

  #isGood(name: string): boolean {
    return !name.includes('.') || name.endsWith('.localhost') || isIP(name) !== 0 || this.#names.has(name);
  }
}

/** Returns the name or address without the port, IPv6 brackets and a trailing dot. */
function nameIn(host: string): string {
  const [, address, name = ''] = /^(?:\[(.*)\]|(.*?)\.?)(?::\d*)?$/.exec(host.toLowerCase()) ?? [];
  return address ?? name;
}
