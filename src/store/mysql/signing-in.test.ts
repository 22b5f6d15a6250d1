import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Certificates, makeAuthority, makeCertificates } from '../../../test/certificates.ts';
import { MariadbServer, withoutMariadb } from '../../../test/mariadb-server.ts';
import { declaration } from '../contract/fixtures.ts';
import type { MysqlOptions } from './mysql-options.ts';
import { mysql } from './mysql-store.ts';

/** The result of opening: nothing, or the message. */
async function opening(address: string, options: MysqlOptions = {}): Promise<string> {
  try {
    const store = mysql(address, { partitions: 1, ...options });
    await store.open(declaration);
    await store.close();
    return '';
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    assert.match(code, /^MILL_(?:STORE_UNAVAILABLE|INVALID_CONFIGURATION)$/);
    assert.doesNotMatch(message, /\n|secret/);
    return message;
  }
}

const stranger = /^mysql:\/\/localhost:\d+\/test_1: .*(?:self-signed certificate|unable to (?:verify|get))/;

describe('signing in to an encrypting server', { skip: withoutMariadb }, () => {
  let server: MariadbServer;
  let folder: string;
  let files: Certificates & { readonly other: string };
  /** The addresses of the database, by a name and by a number. */
  let byName: string;
  let byAddress: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-certificates-'));
    files = { ...makeCertificates(folder), other: makeAuthority(folder, 'other') };
    server = await MariadbServer.start({
      words: [`--ssl-ca=${files.authority}`, `--ssl-cert=${files.certificate}`, `--ssl-key=${files.key}`],
    });
    byAddress = await server.createDatabase();
    byName = byAddress.replace('127.0.0.1', 'localhost');
    await server.query("CREATE USER guarded@'%' IDENTIFIED BY 'secret' REQUIRE SSL");
    await server.query("CREATE USER known@'%' REQUIRE X509");
    await server.query("GRANT ALL ON `test\\_%`.* TO guarded@'%', known@'%'");
  });
  after(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  test('a certificate is checked as far as the mode requires', async () => {
    const { authority, other } = files;
    for (const mode of ['sslmode=prefer', 'sslmode=require', 'ssl-mode=REQUIRED', 'ssl-mode=preferred'])
      assert.equal(await opening(`${byAddress}?${mode}`), '', mode);
    for (const mode of ['sslmode=verify-full', 'ssl-mode=VERIFY_IDENTITY'])
      assert.match(await opening(`${byName}?${mode}`), stranger, mode);
    assert.equal(await opening(byName, { caFile: authority }), '');
    for (const words of ['sslmode=verify-full&sslrootcert', 'ssl-mode=VERIFY_IDENTITY&ssl-ca', 'ssl-ca'])
      assert.equal(await opening(`${byName}?${words}=${authority}`), '', words);
    const another = /: .*does not match certificate/;
    assert.match(await opening(byAddress, { caFile: authority }), another);
    assert.match(await opening(`${byAddress}?ssl-mode=VERIFY_IDENTITY&ssl-ca=${authority}`), another);
    assert.match(await opening(`${byAddress}?sslmode=require`, { caFile: authority }), another);
    for (const words of ['sslmode=verify-ca&sslrootcert', 'ssl-mode=VERIFY_CA&ssl-ca', 'ssl-mode=REQUIRED&ssl-ca'])
      assert.equal(await opening(`${byAddress}?${words}=${authority}`), '', words);
    for (const mode of ['prefer', 'require', 'verify-ca', 'verify-full'])
      assert.match(await opening(`${byName}?sslmode=${mode}&sslrootcert=${other}`), stranger, mode);
  });

  test('a user required to encrypt, or to show a certificate, gets in only that way', async () => {
    const guarded = byAddress.replace('millrace:', 'guarded:');
    assert.match(await opening(guarded), /^mysql:\/\/127\.0\.0\.1:\d+\/test_1: Access denied for user 'guarded'/);
    assert.equal(await opening(`${guarded}?sslmode=require`), '');
    const known = `${byAddress.replace('millrace:secret', 'known')}?ssl-mode=REQUIRED`;
    assert.match(await opening(known), /Access denied for user 'known'/);
    // Any certificate of the authority will do.
    assert.equal(await opening(`${known}&ssl-cert=${files.certificate}&ssl-key=${files.key}`), '');
  });

  test('an invalid or missing authority file is named', async () => {
    const none = join(folder, 'none.pem');
    writeFileSync(none, 'hello');
    assert.match(await opening(byName, { caFile: none }), /none\.pem: cannot be used: expected certificates in PEM form/);
    assert.match(await opening(`${byName}?ssl-ca=/nowhere/ca.pem`), /^\/nowhere\/ca\.pem: cannot be used/);
  });
});

test('if the server does not encrypt, only the mode disable connects in the clear', { skip: withoutMariadb }, async () => {
  const server = await MariadbServer.start();
  try {
    const url = await server.createDatabase();
    for (const mode of ['sslmode=prefer', 'sslmode=require', 'ssl-mode=PREFERRED'])
      assert.match(await opening(`${url}?${mode}`), /^mysql:\/\/127\.0\.0\.1:\d+\/test_1: .*secure connection/, mode);
    for (const mode of ['sslmode=disable', 'ssl-mode=DISABLED']) assert.equal(await opening(`${url}?${mode}`), '', mode);
  } finally {
    await server.stop();
  }
});
