import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ChannelCredentials, ChannelOptions } from '@grpc/grpc-js';
import { credentials, ServerCredentials } from '@grpc/grpc-js';
import { AuthError, ConfigError, messageOf, reasonOf } from '../../../errors.ts';
import type { GrpcSection } from '../../config/grpc-section.ts';
import type { Diagnosis, SecureSide } from './connection-diagnosis.ts';
import { diagnoseConnection } from './connection-diagnosis.ts';
import type { Environment } from './proxy.ts';
import { addressOptions, checkIdentity } from './server-identity.ts';

/** The three files of a secure connection, checked. */
interface KeyFiles {
  readonly key: Buffer;
  readonly chain: Buffer;
  readonly root: Buffer;
  /** One line each, for the person. */
  readonly warnings: readonly string[];
}

export interface Secured<Credentials> {
  readonly credentials: Credentials;
  readonly warnings: readonly string[];
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
const HINT = 'mila certificates makes a root, a server’s and clients’ certificates that fit together.';

async function readFileOf(key: string, path: string | null): Promise<{ path: string; bytes: Buffer }> {
  if (path === null)
    throw new ConfigError({
      code: 'certificate-missing',
      message: `grpc_configuration.${key} is missing: a secure connection needs it`,
      hint: HINT,
    });
  const bytes = await readFile(path).catch((cause) => {
    throw new ConfigError({
      code: 'certificate-missing',
      message: `grpc_configuration.${key}: ${path} cannot be read: ${reasonOf(cause)}`,
      hint: HINT,
      cause,
    });
  });
  return { path, bytes };
}

function certificatesOf(path: string, bytes: Buffer): readonly X509Certificate[] {
  try {
    const certificates = (bytes.toString('latin1').match(PEM_CERTIFICATE) ?? []).map(
      (pem) => new X509Certificate(pem),
    );
    if (certificates.length > 0) return certificates;
  } catch (cause) {
    throw new ConfigError({
      code: 'certificate-malformed',
      message: `${path} holds no readable certificate: ${messageOf(cause)}`,
      cause,
    });
  }
  throw new ConfigError({ code: 'certificate-malformed', message: `${path} holds no PEM certificate` });
}

function refuseOutdated(path: string, certificate: X509Certificate, nowMs: number): void {
  const from = Date.parse(certificate.validFrom);
  const to = Date.parse(certificate.validTo);
  if (nowMs >= from && nowMs <= to) return;
  const how =
    nowMs > to
      ? `expired on ${new Date(to).toISOString()}`
      : `is valid only from ${new Date(from).toISOString()} on`;
  throw new AuthError({
    code: nowMs > to ? 'certificate-expired' : 'certificate-not-yet-valid',
    message: `the certificate ${path} ${how}`,
    hint: HINT,
  });
}

function refuseForeignKey(keyPath: string, key: Buffer, path: string, certificate: X509Certificate): void {
  let fits: boolean;
  try {
    fits = certificate.checkPrivateKey(createPrivateKey(key));
  } catch (cause) {
    throw new ConfigError({
      code: 'key-malformed',
      message: `grpc_configuration.ssl_private_key: ${keyPath} holds no readable private key`,
      cause,
    });
  }
  if (!fits)
    throw new ConfigError({
      code: 'key-mismatch',
      message: `${keyPath} is not the private key of the certificate ${path}`,
      hint: HINT,
    });
}

/**
 * Read and check the files that a secure connection needs.
 *
 * Errors: ConfigError for a file that is missing, malformed, or does not fit; AuthError for an expired certificate.
 */
async function loadKeyFiles(
  section: Pick<GrpcSection, 'ssl_private_key' | 'ssl_cert' | 'ssl_root_cert'>,
  nowMs: number,
): Promise<KeyFiles> {
  const key = await readFileOf('ssl_private_key', section.ssl_private_key);
  const chain = await readFileOf('ssl_cert', section.ssl_cert);
  const root = await readFileOf('ssl_root_cert', section.ssl_root_cert);
  const own = certificatesOf(chain.path, chain.bytes);
  const roots = certificatesOf(root.path, root.bytes);
  for (const certificate of own) refuseOutdated(chain.path, certificate, nowMs);
  for (const certificate of roots) refuseOutdated(root.path, certificate, nowMs);
  const [leaf] = own;
  if (leaf !== undefined) refuseForeignKey(key.path, key.bytes, chain.path, leaf);
  const top = own.at(-1);
  const isIssued = roots.some((each) => top?.checkIssued(each) === true && top.verify(each.publicKey));
  const warning = `${chain.path} was not issued by ${root.path}: a peer that trusts that root alone will refuse it`;
  return { key: key.bytes, chain: chain.bytes, root: root.bytes, warnings: isIssued ? [] : [warning] };
}

/**
 * What is wrong with the files of a secure connection, as far as they are named: one line each, every file looked at.
 *
 * Warnings are what the programs would say of them.
 */
export async function keyFileProblems(
  section: Pick<GrpcSection, 'ssl_private_key' | 'ssl_cert' | 'ssl_root_cert'>,
  nowMs: number,
): Promise<{ readonly faults: readonly string[]; readonly warnings: readonly string[] }> {
  const faultOf = async (name: keyof typeof section, isCertificate: boolean) => {
    if (section[name] === null) return [];
    try {
      const { path, bytes } = await readFileOf(name, section[name]);
      for (const each of isCertificate ? certificatesOf(path, bytes) : []) refuseOutdated(path, each, nowMs);
      return [];
    } catch (error) {
      return [messageOf(error)];
    }
  };
  const faults = [
    ...(await faultOf('ssl_private_key', false)),
    ...(await faultOf('ssl_cert', true)),
    ...(await faultOf('ssl_root_cert', true)),
  ];
  const isPartial = Object.values(section).includes(null);
  if (faults.length > 0 || isPartial) return { faults, warnings: [] };
  return loadKeyFiles(section, nowMs).then(
    ({ warnings }) => ({ faults, warnings }),
    (error: unknown) => ({ faults: [messageOf(error)], warnings: [] }),
  );
}

const INSECURE =
  'the connection is not secure: models and tokens travel in the clear, and anybody who reaches the port can take part';

/** A server's credentials: with TLS, every client must show a certificate of the root. Errors: as the files'. */
export async function serverCredentials(
  section: GrpcSection,
  nowMs: number,
): Promise<Secured<ServerCredentials>> {
  if (!section.use_secure_connection)
    return { credentials: ServerCredentials.createInsecure(), warnings: [INSECURE] };
  const { root, key, chain, warnings } = await loadKeyFiles(section, nowMs);
  const pair = { private_key: key, cert_chain: chain };
  return { credentials: ServerCredentials.createSsl(root, [pair], true), warnings };
}

/** A client's credentials, and a way to find out why they lead to no connection. */
export interface ClientSecurity extends Secured<ChannelCredentials> {
  /** Why there is no connection to `target`; undefined when nothing is found. */
  readonly diagnose: (target: string) => Promise<Diagnosis | undefined>;
  /** What the channel to `target` needs for these credentials. */
  readonly optionsFor: (target: string) => ChannelOptions;
}

function optionOf(section: GrpcSection, name: string): string | number | undefined {
  return section.options.find(([option]) => option === name)?.[1];
}

/**
 * A client's credentials.
 *
 * Errors: as the files'.
 */
export async function clientCredentials(
  section: GrpcSection,
  nowMs: number,
  environment: Environment = {},
): Promise<ClientSecurity> {
  const useProxy = optionOf(section, 'grpc.enable_http_proxy') !== 0;
  const diagnoseWith = (secure: SecureSide | null) => (target: string) =>
    diagnoseConnection({ target, secure, environment, useProxy });
  if (!section.use_secure_connection)
    return {
      credentials: credentials.createInsecure(),
      warnings: [INSECURE],
      diagnose: diagnoseWith(null),
      optionsFor: () => ({}),
    };
  const { root, key, chain, warnings } = await loadKeyFiles(section, nowMs);
  const override = optionOf(section, 'grpc.ssl_target_name_override');
  const nameOverride = override === undefined ? null : String(override);
  return {
    credentials: credentials.createSsl(root, key, chain, { checkServerIdentity: checkIdentity }),
    warnings,
    diagnose: diagnoseWith({ key, chain, root, nameOverride }),
    optionsFor: addressOptions,
  };
}
