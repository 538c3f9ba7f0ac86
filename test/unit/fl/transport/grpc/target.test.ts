import { expect, it } from 'vitest';
import { proxyFor } from '../../../../../src/fl/transport/grpc/proxy.ts';
import { parseTarget } from '../../../../../src/fl/transport/grpc/target.ts';

it.each([
  ['localhost:8024', [{ host: 'localhost', port: 8024 }]],
  ['[::1]:0', [{ host: '::1', port: 0 }]],
  ['2001:db8::7', [{ host: '2001:db8::7', port: 443 }]],
  ['server.example.org', [{ host: 'server.example.org', port: 443 }]],
  ['dns:server:1', [{ host: 'server', port: 1 }]],
  ['dns://8.8.8.8/server:1', [{ host: 'server', port: 1 }]],
  ['dns:///server:1', [{ host: 'server', port: 1 }]],
  [
    'ipv4:10.0.0.1:1,10.0.0.2:2',
    [
      { host: '10.0.0.1', port: 1 },
      { host: '10.0.0.2', port: 2 },
    ],
  ],
  ['ipv6:[::1]:5', [{ host: '::1', port: 5 }]],
])('takes %s apart', (target, places) => {
  expect(parseTarget(target)).toEqual({ kind: 'tcp', places });
});

it('knows the sockets of this machine', () => {
  expect(parseTarget('unix:/run/mila.sock')).toEqual({ kind: 'unix', path: '/run/mila.sock' });
  expect(parseTarget('unix:///run/mila.sock')).toEqual({ kind: 'unix', path: '/run/mila.sock' });
});

it.each(['', ':1', 'http://server:1', 'server:65536', 'server:x', '[::1', 'a/b:1'])(
  '%j is no target',
  (target) => {
    expect(parseTarget(target)).toBeUndefined();
  },
);

const PROXY = 'http://name:word@proxy.example.org:3128';

it.each([
  [{ http_proxy: PROXY }, 'http_proxy'],
  [{ http_proxy: PROXY, https_proxy: 'http://other:1' }, 'https_proxy'],
  [{ http_proxy: PROXY, grpc_proxy: 'http://other:1', https_proxy: 'http://third:1' }, 'grpc_proxy'],
  [{ http_proxy: PROXY, no_proxy: 'other.org, 10.0.0.0/8' }, 'http_proxy'],
  [{ http_proxy: PROXY, no_proxy: 'example.org' }, undefined],
  [{ http_proxy: PROXY, no_proxy: 'other.org', no_grpc_proxy: 'server.example.org' }, undefined],
  [{ HTTP_PROXY: PROXY }, undefined],
  [{ https_proxy: 'https://proxy:1' }, undefined],
  [{ https_proxy: 'no address' }, undefined],
  [{}, undefined],
])('with %j, the proxy of server.example.org is that of %s', (environment, variable) => {
  expect(proxyFor('server.example.org', environment)?.variable).toBe(variable);
});

it('excepts networks, and shows no password', () => {
  const environment = { http_proxy: PROXY, no_proxy: '10.0.0.0/8,127.0.0.1' };
  expect(proxyFor('10.1.2.3', environment)).toBeUndefined();
  expect(proxyFor('127.0.0.1', environment)).toBeUndefined();
  const proxy = proxyFor('11.1.2.3', environment);
  expect(proxy?.shown).toBe('http://proxy.example.org:3128');
  expect(proxy?.login).toBe('name:word');
});
