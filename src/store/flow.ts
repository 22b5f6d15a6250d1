import { toStorableText } from '../pipeline/text.ts';

/** Maximum characters of an address in the name of a flow. Addresses with the same beginning of this length share a flow. */
const addressLengthMax = 256;

/**
 * Names the flow of a delivery: its address, if its transport distinguishes addresses; otherwise its key. The deliveries of a flow queue
 * for slots one behind another, so that no flow can take those of another.
 */
export function flowOf(key: string, address: string | undefined): string {
  return address === undefined ? `key ${key}` : `address ${toStorableText(address, addressLengthMax)}`;
}

/** Returns the address that a flow is named after; undefined for the flow of a key. */
export function addressOf(flow: string): string | undefined {
  return flow.startsWith('address ') ? flow.slice('address '.length) : undefined;
}

/** Returns the name of a flow for people. */
export function describeFlow(flow: string): string {
  return addressOf(flow) ?? flow;
}
