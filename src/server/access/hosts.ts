import { isIP } from 'node:net';

/** As many spellings of good hosts are kept: case and port differ. */
const seenMax = 100;

/**
 * The hosts that a request may name. A page of any site can have its own name lead to this machine (DNS rebinding), and is then
 * of the same origin as this server; it cannot do so with an address, nor with a name without a dot, such as `localhost` or
 * that of a container, and the name that it does it with is not among ours.
 */
export class Hosts {
  readonly #names: Set<string>;
  /** What `Host` has said before, and was good. */
  readonly #seen = new Set<string | undefined>([undefined]);

  constructor(names: readonly string[] = []) {
    this.#names = new Set(names.map((name) => name.toLowerCase()));
  }

  /** Lets one more name pass: that which the server listens on. */
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

/** The name or address without the port, the brackets of IPv6 and the dot that may end a name. */
function nameIn(host: string): string {
  const [, address, name = ''] = /^(?:\[(.*)\]|(.*?)\.?)(?::\d*)?$/.exec(host.toLowerCase()) ?? [];
  return address ?? name;
}
