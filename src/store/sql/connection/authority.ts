import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { MillraceError, messageOf } from '../../../errors.ts';

/** Throws `MILL_INVALID_CONFIGURATION` for a file without a certificate: otherwise every server would silently be untrusted. */
export function checkAuthority(path: string): void {
  try {
    const text = readFileSync(path);
    if (!isCertificate(text)) throw new Error('expected certificates in PEM form, found none');
  } catch (cause) {
    throw new MillraceError('MILL_INVALID_CONFIGURATION', `${path}: cannot be used: ${messageOf(cause)}`, { cause });
  }
}

function isCertificate(text: Buffer): boolean {
  try {
    new X509Certificate(text);
    return true;
  } catch {
    return false;
  }
}
