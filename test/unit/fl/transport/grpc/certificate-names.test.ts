import type { PeerCertificate } from 'node:tls';
import { expect, it } from 'vitest';
import {
  certificateNames,
  certificateProblem,
} from '../../../../../src/fl/transport/grpc/certificate-names.ts';

const certificate = (CN: unknown, subjectaltname?: string) =>
  ({ subject: { CN }, subjectaltname }) as unknown as PeerCertificate;

it.each([
  [certificate('site_a'), ['site_a']],
  [
    certificate('site_a', 'DNS:site_b, IP Address:10.0.0.1, DNS:c.example.org'),
    ['site_a', 'site_b', 'c.example.org'],
  ],
  [certificate(['one', 'two']), ['one', 'two']],
  // Node quotes a name with a separator in it: it is one name, and not ours.
  [certificate('site_a', 'DNS:"x, DNS:site_b"'), ['site_a']],
  [certificate(undefined), []],
  [{} as PeerCertificate, []],
])('reads the names of %j', (given, names) => {
  expect(certificateNames(given)).toEqual(names);
});

it.each([
  [['site_a'], 'site_a', undefined],
  [['Site_A'], 'sITE_a', undefined],
  [['client.example.org', 'site_b'], 'site_b', undefined],
  [['site_a', 'site_b'], 'site_c', /is for the name site_a or site_b, not for site_c\.$/],
  [['site_a'], 'site_', /not for site_\.$/],
  [['*'], 'site_a', /is for "\*", which is no participant's name/],
  [['server'], 'server2', /is for "server", which is no participant's name/],
  [[], 'site_a', /is for nobody, which is no participant's name/],
])('a certificate for %j as %s', (names, name, problem) => {
  if (problem === undefined) expect(certificateProblem(names, name)).toBeUndefined();
  else expect(certificateProblem(names, name)).toMatch(problem);
});
