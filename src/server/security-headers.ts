/**
 * What every answer says to browsers, pages say otherwise where they need to: that nothing is loaded or framed, guessed, embedded
 * elsewhere, told to other sites, or kept. https://owasp.org/www-project-secure-headers/
 */
export const securityHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** The same as Node.js takes them without a look: names and values by turns. */
export const rawSecurityHeaders: readonly string[] = Object.entries(securityHeaders).flat();
