import { lookup } from 'node:dns/promises';
import { BlockList } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

/**
 * Returns whether a listener on this host is reachable only from this machine. True for a name that resolves only to such addresses. Throws
 * the errors of the look-up.
 */
export async function isLoopback(host: string): Promise<boolean> {
  const found = await lookup(host, { all: true });
  return found.every(({ address, family }) => loopback.check(address, family === 6 ? 'ipv6' : 'ipv4'));
}
