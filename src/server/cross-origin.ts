import type { IncomingHttpHeaders } from 'node:http';
import { describeFound } from '../describe-found.ts';

/**
 * Returns whether a page of another origin sent a request, according to its browser. Browsers say so in `Sec-Fetch-Site`
 * (https://www.w3.org/TR/fetch-metadata/), but only to HTTPS and to loopback addresses. To any other server they send only `Origin`, which
 * must then name the host and port of the request. A program sends neither.
 */
export function isCrossOrigin({ 'sec-fetch-site': site, origin, host }: IncomingHttpHeaders): boolean {
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  return origin !== undefined && !namesHost(origin, host);
}

/** Explains why a request counts as cross-origin, and what would pass. */
export function crossOriginMessage({ 'sec-fetch-site': site, origin, host }: IncomingHttpHeaders): string {
  const rule = 'a page may change things only on the server it was loaded from';
  if (site !== undefined) return `Sec-Fetch-Site: expected same-origin or none, found ${describeFound(site)}; ${rule}`;
  const named = `the host and port of Host (${describeFound(host)})`;
  return `Origin: expected ${named}, found ${describeFound(origin)}; ${rule}, and a proxy must forward Host unchanged`;
}

/**
 * `Host` omits the default port of the browser's scheme. Behind a proxy that ends TLS only `Origin` has that scheme, so it applies to both.
 */
function namesHost(origin: string, host: string | undefined): boolean {
  const page = URL.parse(origin);
  if (host === undefined || (page?.protocol !== 'http:' && page?.protocol !== 'https:')) return false;
  return page.host === URL.parse(`${page.protocol}//${host}`)?.host;
}
