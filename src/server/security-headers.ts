/**
 * The default headers for browsers, which pages relax if necessary: nothing is loaded or framed, guessed, embedded elsewhere, revealed to
 * other sites, or cached. https://owasp.org/www-project-secure-headers/
 */
export const securityHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** The same in Node.js's raw form: alternating names and values. */
export const rawSecurityHeaders: readonly string[] = Object.entries(securityHeaders).flat();
