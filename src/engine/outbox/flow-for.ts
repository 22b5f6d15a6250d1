import { describeFound } from '../../describe-found.ts';
import { faultFields, faultOf } from '../../fault.ts';
import type { Endpoint, Transport } from '../../pipeline/endpoint.ts';
import { flowOf } from '../../store/flow.ts';
import type { StoredDelivery } from '../../store/store.ts';
import type { Logger } from '../logger.ts';

/** A requested delivery. */
export type Asked = Pick<StoredDelivery, 'id' | 'key' | 'endpoint' | 'body' | 'url' | 'askedAt'>;

/** Returns the flow of a requested delivery. Its transport may be a user's: without a usable address, the flow is that of the key. */
export function flowFor(
  asked: Asked,
  endpoint: Endpoint | undefined,
  { pipeline, log }: { readonly pipeline: string; readonly log: Logger },
): string {
  return flowOf(asked.key, endpoint?.to.address === undefined ? undefined : addressFor(asked, endpoint.to, { pipeline, log }));
}

function addressFor(
  asked: Asked,
  to: Transport,
  { pipeline, log }: { readonly pipeline: string; readonly log: Logger },
): string | undefined {
  const { id, key, endpoint, body, url, askedAt } = asked;
  try {
    const address: unknown = to.address?.({ id, pipeline, endpoint, key, body, url: url ?? undefined, askedAt });
    if (address === undefined || typeof address === 'string') return address;
    throw new TypeError(`expected an address as text, or undefined, found ${describeFound(address)}`);
  } catch (error) {
    log.warn({ pipeline, key, endpoint, delivery: id, ...faultFields(faultOf(error)) }, 'a transport could not name an address');
    return undefined;
  }
}
