import { execFileSync, spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { certificatesCommand } from '../../../../src/cli/commands/certificates.ts';
import { ConfigError, StateError } from '../../../../src/errors.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mila-certificates-'));
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
  return rm(directory, { recursive: true, force: true });
});

const hasOpenssl = process.env['CI'] !== undefined || spawnSync('openssl', ['version']).status === 0;

const make = (...args: readonly string[]) =>
  certificatesCommand()
    .exitOverride()
    .parseAsync(['-o', directory, '--json', '--quiet', ...args], { from: 'user' });
const certificate = async (name: string) =>
  new X509Certificate(await readFile(join(directory, `${name}.crt`)));

it('makes a root and certificates that it vouches for, each with its own key that only its owner reads', async () => {
  await make(
    '--host',
    'server.example.org',
    '--host',
    '10.0.0.7',
    '--client',
    'site_a',
    '--client',
    'Labor Süd',
  );
  const root = await certificate('root');
  expect(root.ca).toBe(true);
  for (const name of ['server', 'site_a', 'Labor Süd']) {
    const own = await certificate(name);
    expect([own.ca, own.checkIssued(root), own.verify(root.publicKey)]).toEqual([false, true, true]);
    expect(own.checkPrivateKey(createPrivateKey(await readFile(join(directory, `${name}.key`))))).toBe(true);
    expect((await stat(join(directory, `${name}.key`))).mode & 0o077).toBe(0);
  }
  const server = await certificate('server');
  expect([server.checkHost('server.example.org'), server.checkIP('10.0.0.7')]).toEqual([
    'server.example.org',
    '10.0.0.7',
  ]);
  expect((await certificate('Labor Süd')).subject).toBe('CN=Labor Süd');
});

it('signs with the root that is there, keeps what exists, and renews when asked', async () => {
  await make('--client', 'site_a');
  const [root, first] = [await certificate('root'), await certificate('site_a')];
  await make('--client', 'site_a', '--client', 'site_b');
  expect((await certificate('site_a')).fingerprint256).toBe(first.fingerprint256);
  expect((await certificate('site_b')).verify(root.publicKey)).toBe(true);
  await make('--client', 'site_a', '--renew');
  const renewed = await certificate('site_a');
  expect(renewed.fingerprint256).not.toBe(first.fingerprint256);
  expect(renewed.verify(root.publicKey)).toBe(true);
});

it.skipIf(!hasOpenssl)('signs with an RSA root that openssl made', async () => {
  const subject = ['-subj', '/CN=old root', '-days', '5'];
  const files = ['-keyout', join(directory, 'root.key'), '-out', join(directory, 'root.crt')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, ...files], {
    stdio: 'ignore',
  });
  await make('--host', 'localhost');
  const verified = execFileSync('openssl', [
    ...['verify', '-purpose', 'sslserver', '-CAfile', join(directory, 'root.crt')],
    join(directory, 'server.crt'),
  ]);
  expect(verified.toString()).toMatch(/OK/);
});

it.each(['../site', 'a/b', 'root', 'Server', ''])('refuses to make a file of the name %j', async (name) => {
  await expect(make('--client', name)).rejects.toBeInstanceOf(ConfigError);
  expect(await readdir(directory)).toEqual([]);
});

it('makes no second root where the key of the first is elsewhere', async () => {
  await make();
  await unlink(join(directory, 'root.key'));
  await expect(make('--client', 'site_a')).rejects.toBeInstanceOf(StateError);
});
