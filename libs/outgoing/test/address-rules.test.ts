import { AddressRules } from '../src/address-rules.js';

const rules = new AddressRules([]);

it.each([
  '127.0.0.1',
  '127.8.8.8',
  '0.0.0.0',
  '10.1.2.3',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '192.0.2.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:a9fe:a9fe',
  '::10.0.0.1',
  '64:ff9b::a00:1',
  '64:ff9b:1::1',
  '2002:7f00:1::',
  'fe80::1',
  'fec0::1',
  'fd00::1',
  'fc00::1',
  'ff02::1',
  '2001:db8::1',
])('%s is not reached on the word of others', (address) => {
  expect(rules.allows(address)).toBe(false);
});

it.each(['8.8.8.8', '1.1.1.1', '2606:4700:4700::1111', '::ffff:8.8.8.8'])('%s is', (address) => {
  expect(rules.allows(address)).toBe(true);
});

it.each(['', 'localhost', '127.1', '0x7f000001', '1.2.3.4.5', '[::1]'])('%p is no address', (text) => {
  expect(rules.allows(text)).toBe(false);
});

it('a private network is reached when it is named, and no other', () => {
  const some = new AddressRules(['10.0.0.0/8', '::1', 'fd12::/16']);
  expect(['10.255.0.1', '::ffff:10.0.0.1', '::1', 'fd12::7'].map((address) => some.allows(address))).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(['11.0.0.1', '127.0.0.1', '::2', 'fd13::7'].filter((address) => some.allows(address))).toEqual(['11.0.0.1']);
});
