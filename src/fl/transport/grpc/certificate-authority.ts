import 'reflect-metadata';
import { createPrivateKey, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import { ConfigError, messageOf } from '../../../errors.ts';
import type { Random } from '../../../random.ts';
import { randomBelow } from '../../../random.ts';

/** A certificate and its private key, both in PEM. */
export interface Identity {
  readonly certificate: string;
  readonly privateKey: string;
}

/** Whom a certificate is for. */
export type Subject =
  | { readonly kind: 'server'; readonly hosts: readonly string[] }
  | { readonly kind: 'client'; readonly name: string };

interface Validity {
  readonly nowMs: number;
  readonly days: number;
}

const DAY_MS = 86_400_000;
/** Other machines' clocks may be behind. Units: milliseconds. */
const BACKDATED_MS = 3_600_000;
const SERIAL_BYTES = 16;
const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const ECDSA = { name: 'ECDSA', hash: 'SHA-256' } as const;
const RSA = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const;

x509.cryptoProvider.set(webcrypto);

function pemOfKey(bytes: ArrayBuffer): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
}

async function newKeys(): Promise<{ readonly keys: webcrypto.CryptoKeyPair; readonly pem: string }> {
  const keys = (await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  return { keys, pem: pemOfKey(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)) };
}

/** A positive number of 127 bits. */
function newSerial(random: Random): string {
  const bytes = Array.from({ length: SERIAL_BYTES }, (_, index) =>
    randomBelow(random, index === 0 ? 128 : 256),
  );
  return Buffer.from(bytes).toString('hex');
}

function validityOf({ nowMs, days }: Validity) {
  return { notBefore: new Date(nowMs - BACKDATED_MS), notAfter: new Date(nowMs + days * DAY_MS) };
}

async function signingKeyOf(
  pem: string,
): Promise<{ key: webcrypto.CryptoKey; algorithm: typeof ECDSA | typeof RSA }> {
  const key = createPrivateKey(pem);
  const der = key.export({ type: 'pkcs8', format: 'der' });
  const isRsa = key.asymmetricKeyType === 'rsa';
  const algorithm = isRsa ? RSA : ECDSA;
  const imported = { ...(isRsa ? RSA : KEY_ALGORITHM) };
  return {
    key: (await webcrypto.subtle.importKey('pkcs8', der, imported, false, ['sign'])) as webcrypto.CryptoKey,
    algorithm,
  };
}

/** Make a root of trust: it signs the certificates of one federation, and nothing else trusts it. */
export async function createRoot(name: string, validity: Validity, random: Random): Promise<Identity> {
  const { keys, pem } = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(random),
    name: [{ CN: [name] }],
    ...validityOf(validity),
    signingAlgorithm: ECDSA,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, privateKey: pem };
}

function extensionsOf(subject: Subject): readonly x509.Extension[] {
  if (subject.kind === 'client')
    return [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])];
  const names = subject.hosts.map(
    (host) => ({ type: isIP(host) === 0 ? 'dns' : 'ip', value: host }) as const,
  );
  return [
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    new x509.SubjectAlternativeNameExtension(names),
  ];
}

/**
 * Make a certificate that a root vouches for.
 *
 * Guarantees: a server's holds for its hosts (names or addresses), a client's for its name; neither can vouch for
 * others.
 * Errors: ConfigError 'root-unusable' when the root's files do not hold a root and its key.
 */
export async function issueCertificate(
  root: Identity,
  subject: Subject,
  validity: Validity,
  random: Random,
): Promise<Identity> {
  const { keys, pem } = await newKeys();
  try {
    const issuer = new x509.X509Certificate(root.certificate);
    const signer = await signingKeyOf(root.privateKey);
    const name = subject.kind === 'client' ? subject.name : (subject.hosts[0] ?? 'server');
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: newSerial(random),
      // As parts, never as text: a name can then not smuggle in another attribute.
      subject: [{ CN: [name] }],
      issuer: issuer.subjectName.toJSON(),
      ...validityOf(validity),
      signingAlgorithm: signer.algorithm,
      publicKey: keys.publicKey,
      signingKey: signer.key,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        await x509.AuthorityKeyIdentifierExtension.create(await issuer.publicKey.export()),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        ...extensionsOf(subject),
      ],
    });
    return { certificate: `${certificate.toString('pem')}\n`, privateKey: pem };
  } catch (cause) {
    throw new ConfigError({
      code: 'root-unusable',
      message: `the root cannot sign: ${messageOf(cause)}`,
      hint: 'root.crt and root.key must belong together, in PEM, with an RSA or P-256 key.',
      cause,
    });
  }
}
