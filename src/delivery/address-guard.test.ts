import assert from 'node:assert/strict';
import test from 'node:test';
import { MillraceError } from '../errors.ts';
import { addressGuard } from './address-guard.ts';

const refused: readonly [address: string, fault: string][] = [
  ['0.0.0.0', 'unspecified'],
  ['0.1.2.3', 'unspecified'],
  ['10.0.0.1', 'private'],
  ['100.64.0.1', 'carrierGradeNat'],
  ['100.100.100.200', 'carrierGradeNat'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['168.63.129.16', 'metadata'],
  ['169.254.169.254', 'linkLocal'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.0.0.192', 'reserved'],
  ['192.0.2.1', 'reserved'],
  ['192.88.99.1', 'reserved'],
  ['192.168.1.1', 'private'],
  ['198.18.0.1', 'reserved'],
  ['198.51.100.1', 'reserved'],
  ['203.0.113.1', 'reserved'],
  ['224.0.0.1', 'multicast'],
  ['239.255.255.255', 'multicast'],
  ['240.0.0.1', 'reserved'],
  ['255.255.255.255', 'broadcast'],
  ['::', 'unspecified'],
  ['::1', 'loopback'],
  ['::127.0.0.1', 'reserved'],
  ['::8.8.8.8', 'reserved'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:a00:1', 'private'],
  ['::ffff:0:127.0.0.1', 'rfc6145'],
  ['64:ff9b::127.0.0.1', 'loopback'],
  ['64:ff9b::169.254.169.254', 'linkLocal'],
  ['64:ff9b:1::8.8.8.8', 'rfc6052'],
  ['100::1', 'discard'],
  ['2001::1', 'teredo'],
  ['2001:2::1', 'benchmarking'],
  ['2001:10::1', 'deprecatedOrchid'],
  ['2001:20::1', 'orchid2'],
  ['2001:db8::1', 'reserved'],
  ['2002:7f00:1::', '6to4'],
  ['3fff::1', 'reserved'],
  ['4000::1', 'reserved'],
  ['5f00::1', 'segmentRouting'],
  ['fc00::1', 'uniqueLocal'],
  ['fd00:ec2::254', 'uniqueLocal'],
  ['fe80::1', 'linkLocal'],
  ['fe80::1%lo', 'linkLocal'],
  ['fec0::1', 'deprecatedSiteLocal'],
  ['ff02::1', 'multicast'],
  ['localhost', 'no IP address'],
  ['', 'no IP address'],
  ['8.8.8', 'no IP address'],
  ['0x8080808', 'no IP address'],
];

for (const [address, fault] of refused) {
  test(`${address || 'nothing'} is refused: ${fault}`, () => {
    assert.equal(addressGuard().faultOf(address), fault);
  });
}

for (const address of [
  '1.1.1.1',
  '8.8.8.8',
  '172.15.255.255',
  '172.32.0.1',
  '2606:4700:4700::1111',
  '::ffff:8.8.8.8',
  '64:ff9b::8.8.8.8',
]) {
  test(`${address} may be called`, () => {
    assert.equal(addressGuard().faultOf(address), undefined);
  });
}

test('allowed addresses may be called, in any notation, but not their neighbours', () => {
  const { faultOf } = addressGuard(['10.1.0.0/16', '127.0.0.1', 'fd12::/16', '::1']);
  for (const address of ['10.1.0.0', '10.1.255.255', '127.0.0.1', '::ffff:10.1.2.3', '64:ff9b::127.0.0.1', 'fd12::5', '::1'])
    assert.equal(faultOf(address), undefined, address);
  for (const address of ['10.0.255.255', '10.2.0.0', '127.0.0.2', '::ffff:127.0.0.2', 'fd13::5', '::2'])
    assert.notEqual(faultOf(address), undefined, address);
});

for (const range of ['', '10', '10.0.0', 'localhost', '10.0.0.0/33', '::/129', '10.0.0.0/-1', '10.0.0.0/', '10.0.0.0/8/8', '010.0.0.1']) {
  test(`not a range: ${JSON.stringify(range)}`, () => {
    assert.throws(
      () => addressGuard([range]),
      (error) =>
        error instanceof MillraceError && error.code === 'MILL_INVALID_DECLARATION' && error.message.includes(JSON.stringify(range)),
    );
  });
}
