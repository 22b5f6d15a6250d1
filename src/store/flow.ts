import { toStorableText } from '../pipeline/text.ts';

/** Characters of an address in the name of a flow. Addresses that begin alike for so long share a flow. */
const addressLengthMax = 256;

/**
 * Names the flow of a delivery: the address that it goes to, where its transport tells addresses apart; otherwise its key. The
 * deliveries of a flow go one behind the other for places, so that no flow can take those of another.
 */
export function flowOf(key: string, address: string | undefined): string {
  return address === undefined ? `key ${key}` : `address ${toStorableText(address, addressLengthMax)}`;
}

/** Returns the address that a flow is named after; undefined for the flow of a key. */
export function addressOf(flow: string): string | undefined {
  return flow.startsWith('address ') ? flow.slice('address '.length) : undefined;
}

/** The name of a flow as people read it. */
export function describeFlow(flow: string): string {
  return addressOf(flow) ?? flow;
}
