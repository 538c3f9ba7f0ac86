import { expect, it } from 'vitest';
import {
  addressOf,
  addressRangeProblem,
  createAddressGate,
} from '../../../../../src/fl/transport/grpc/peer-address.ts';

it.each([
  ['127.0.0.1:43210', '127.0.0.1'],
  ['::1:43210', '::1'],
  ['2001:db8::7:8080', '2001:db8::7'],
  ['[::1]:43210', '::1'],
  ['2001:db8::7:43210', '2001:db8::7'],
  ['::ffff:10.1.2.3:43210', '10.1.2.3'],
  ['2001:DB8:0:0::7:43210', '2001:db8::7'],
  ['fe80::1%eth0:43210', 'fe80::1'],
  ['unknown', 'unknown'],
])('reads the address of %s', (peer, address) => {
  expect(addressOf(peer)).toBe(address);
});

it.each([
  [{ blacklist: ['10.0.0.0/8'] }, '10.200.3.4', false],
  [{ blacklist: ['10.0.0.0/8'] }, '11.0.0.1', true],
  [{ blacklist: ['2001:db8::/32'] }, '2001:db8:1::5', false],
  [{ blacklist: ['2001:db8::/32'] }, '10.0.0.1', true],
  [{ whitelist: ['192.168.1.7'], useWhitelist: true }, '192.168.1.7', true],
  [{ whitelist: ['192.168.1.7'], useWhitelist: true }, '192.168.1.8', false],
  [{ whitelist: ['192.168.1.7'] }, '192.168.1.8', true],
  [{ whitelist: ['::ffff:192.168.1.0/120'], useWhitelist: true }, '192.168.1.200', true],
  [{ whitelist: ['::ffff:c0a8:0100/120'], useWhitelist: true }, '192.168.1.200', true],
  [{ whitelist: ['0:0:0:0:0:FFFF:192.168.1.7'], useWhitelist: true }, '192.168.1.7', true],
  [{ whitelist: ['::1'], useWhitelist: true }, '::1', true],
  [{ whitelist: ['::/0'], useWhitelist: true }, '2001:db8::1', true],
  [{ whitelist: ['::/0'], useWhitelist: true }, '192.168.1.7', false],
  [{ whitelist: ['0.0.0.0/0'], useWhitelist: true }, '2001:db8::1', false],
  [{ blacklist: ['::/64'] }, '127.0.0.1', true],
  [{ whitelist: ['10.0.0.0/8'], blacklist: ['10.1.0.0/16'], useWhitelist: true }, '10.1.0.9', false],
  [{ useWhitelist: true }, '127.0.0.1', false],
  [{ whitelist: ['127.0.0.1'], useWhitelist: true }, 'unknown', false],
])('with %j, %s may connect: %s', (lists, address, allowed) => {
  const gate = createAddressGate({ blacklist: [], whitelist: [], useWhitelist: false, ...lists });
  expect(gate(address)).toBe(allowed);
});

it.each(['10.0.0.1', '10.0.0.0/0', '::1', 'fd00::/8', '::ffff:1.2.3.4/128'])('takes %s', (entry) => {
  expect(addressRangeProblem(entry)).toBeUndefined();
});

it.each([
  '',
  'site.example.org',
  '10.0.0.1/33',
  '10.0.0.0/-1',
  '10.0.0.0/8/8',
  '::/129',
  '10.0.0',
  '1.2.3.4/',
])('refuses %s', (entry) => {
  expect(addressRangeProblem(entry)).toMatch(/no IPv4 or IPv6 address/);
});
