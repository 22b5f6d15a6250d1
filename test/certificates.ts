import { execFileSync } from 'node:child_process';
import { chownSync } from 'node:fs';
import { join } from 'node:path';

/** Files of a server that encrypts. */
export interface Certificates {
  /** The certificate of the authority that signed the server's. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/**
 * Makes an authority, and a certificate from it for `localhost`.
 *
 * @param owner the account that owns the key, and that alone may read it
 */
export function makeCertificates(folder: string, { uid, gid }: { readonly uid?: number; readonly gid?: number } = {}): Certificates {
  const authority = makeAuthority(folder, 'ca');
  const [key, request, certificate] = ['server.key', 'server.csr', 'server.crt'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  openssl('req', '-new', '-nodes', '-newkey', 'rsa:2048', ...names, '-keyout', key, '-out', request);
  const signed = ['-copy_extensions', 'copy', '-CA', authority, '-CAkey', join(folder, 'ca.key'), '-CAcreateserial', '-days', '2'];
  openssl('x509', '-req', '-in', request, '-out', certificate, ...signed);
  if (uid !== undefined && gid !== undefined) chownSync(key, uid, gid);
  return { authority, certificate, key };
}

/** Returns the file of its certificate. */
export function makeAuthority(folder: string, name: string): string {
  const certificate = join(folder, `${name}.pem`);
  const words = ['-subj', `/CN=${name}`, '-keyout', join(folder, `${name}.key`), '-out', certificate, '-days', '2'];
  openssl('req', '-x509', '-nodes', '-newkey', 'rsa:2048', ...words);
  return certificate;
}

function openssl(...words: readonly string[]): void {
  execFileSync('openssl', words, { stdio: 'pipe' });
}
