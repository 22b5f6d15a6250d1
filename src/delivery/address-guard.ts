import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { invalid } from '../pipeline/check.ts';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = readonly [network: Address, bits: number];

/** Decides which addresses may be called when the address comes from data. */
export interface AddressGuard {
  /** Returns why the address must not be called, such as `loopback`; undefined if it may be. Anything but an IP address is refused. */
  faultOf(address: string): string | undefined;
}

/** A call that the guard has stopped, and would stop again. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
}

/**
 * Allows globally reachable addresses of a single machine, plus the addresses and ranges (`10.1.0.0/16`) in `allow`. Throws
 * `MILL_INVALID_DECLARATION` for an invalid one.
 */
export function addressGuard(allow: readonly string[] = []): AddressGuard {
  const allowed = allow.map(readRange);
  return {
    faultOf(text) {
      if (isIP(text) === 0) return 'no IP address';
      const address = parse(text);
      const carried = carriedBy(address);
      if (allowed.some((range) => isWithin(address, range) || isWithin(carried, range))) return undefined;
      return rangeOf(carried);
    },
  };
}

function readRange(text: string): Range {
  const [address = '', bits, ...rest] = String(text).split('/');
  const bitsMax = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  const prefix = bits === undefined ? bitsMax : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  if (rest.length === 0 && bitsMax > 0 && prefix <= bitsMax) return [parse(address), prefix];
  return invalid(`http: allow: expected addresses or ranges such as 10.1.0.0/16 or fd00::/8, found ${JSON.stringify(text)}`);
}

/** Parses an IP address. In a URL, an IPv6 address is hexadecimal throughout; the library would read `::8.8.8.8` as `::ffff:8.8.8.8`. */
function parse(text: string): Address {
  return ipaddr.parse(isIP(text) === 6 ? new URL(`http://[${text.replace(/%.*/, '')}]`).hostname.slice(1, -1) : text);
}

function isWithin(address: Address, [network, bits]: Range): boolean {
  return address.kind() === network.kind() && address.match(network, bits);
}

/** Returns the IPv4 address that an IPv6 address stands for: mapped (RFC 4291, 2.5.5.2), or through a network's NAT64 (RFC 6052, 2.1). */
function carriedBy(address: Address): Address {
  if (!(address instanceof ipaddr.IPv6) || !carriers.some((carrier) => isWithin(address, carrier))) return address;
  return new ipaddr.IPv4(address.toByteArray().slice(-4));
}

const carriers: readonly Range[] = [
  [ipaddr.parse('::ffff:0:0'), 96],
  [ipaddr.parse('64:ff9b::'), 96],
];

/** Returns the kind of special address; undefined for a single machine that the whole Internet can reach. */
function rangeOf(address: Address): string | undefined {
  if (isWithin(address, azureMetadata)) return 'metadata';
  if (address.range() !== 'unicast') return address.range();
  return address.kind() === 'ipv6' && !isWithin(address, globalUnicast) ? 'reserved' : undefined;
}

/** All allocated IPv6 space (RFC 4291, 2.4). */
const globalUnicast: Range = [ipaddr.parse('2000::'), 3];

/** Reachable from inside every Azure machine, and exposes what Azure knows about it. It only looks like an Internet address. */
const azureMetadata: Range = [ipaddr.parse('168.63.129.16'), 32];
