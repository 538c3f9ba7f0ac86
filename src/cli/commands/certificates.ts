import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { writeFileAtomically } from '../../atomic-file.ts';
import { systemClock } from '../../clock.ts';
import { ConfigError, StateError } from '../../errors.ts';
import { nameProblem } from '../../fl/round/run-folder.ts';
import type { Identity, Subject } from '../../fl/transport/grpc/certificate-authority.ts';
import { systemRandom } from '../../random.ts';
import type { Output } from '../output.ts';
import { processOutput } from '../output.ts';

interface CertificateFlags {
  readonly output: string;
  readonly host?: readonly string[];
  readonly client?: readonly string[];
  readonly days: number;
  readonly rootDays: number;
  readonly renew?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** One certificate that was made or found. */
interface Made {
  readonly role: 'root' | 'server' | 'client';
  readonly name: string;
  readonly certificate: string;
  readonly key: string;
  readonly made: boolean;
}

/** Only its owner may read a private key. */
const KEY_MODE = 0o600;
const ROOT = 'root';

const filesOf = (directory: string, name: string) => ({
  certificate: join(directory, `${name}.crt`),
  key: join(directory, `${name}.key`),
});

async function store(directory: string, name: string, identity: Identity): Promise<void> {
  const { certificate, key } = filesOf(directory, name);
  // The key first: a certificate without its key would look finished.
  await writeFileAtomically(key, identity.privateKey, { mode: KEY_MODE });
  await writeFileAtomically(certificate, identity.certificate);
}

/** A private key cannot be had again, whoever made it. */
function keyAlone(key: string, certificate: string): StateError {
  return new StateError({
    code: 'foreign-file',
    message: `${key} is there, but not its certificate ${certificate}: the key is not written over`,
    hint: 'Give --output a new directory, or move that key away.',
    data: { key },
  });
}

/** What another root signed was made elsewhere, and is not made again here. */
async function assertSignedBy(root: Identity, path: string): Promise<void> {
  const vouches = (pem: string) => {
    const certificate = new X509Certificate(pem);
    const authority = new X509Certificate(root.certificate);
    return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
  };
  const pem = await readFile(path, 'utf8');
  try {
    if (vouches(pem)) return;
  } catch {
    // No certificate at all: told below, like one of another root.
  }
  throw new StateError({
    code: 'foreign-file',
    message: `${path} is no certificate of this root, and is not made again`,
    hint: 'Give --output a new directory, or move that certificate and its key away.',
    data: { path },
  });
}

function clientNames(names: readonly string[]): readonly string[] {
  for (const name of names) {
    const problem = name.toLowerCase() === ROOT ? `the name "root" is the root's own` : nameProblem(name);
    if (problem !== undefined)
      throw new ConfigError({ code: 'bad-name', message: `--client ${JSON.stringify(name)}: ${problem}` });
  }
  return names;
}

/** Makes certificates below one root; a root that stands in the directory is used again. */
class Workshop {
  readonly #flags: CertificateFlags;
  readonly #directory: string;
  readonly #nowMs = systemClock().now();
  readonly made: Made[] = [];

  constructor(flags: CertificateFlags) {
    this.#flags = flags;
    this.#directory = resolve(flags.output);
  }

  async run(): Promise<void> {
    const { host = [], client = [] } = this.#flags;
    const names = clientNames(client);
    await mkdir(this.#directory, { recursive: true });
    const root = await this.#root();
    if (host.length > 0) await this.#issue(root, 'server', { kind: 'server', hosts: host });
    for (const name of names) await this.#issue(root, name, { kind: 'client', name });
  }

  async #root(): Promise<Identity> {
    const { createRoot } = await import('../../fl/transport/grpc/certificate-authority.ts');
    const { certificate, key } = filesOf(this.#directory, ROOT);
    const found = { role: 'root', name: ROOT, certificate, key } as const;
    if (existsSync(certificate) && existsSync(key)) {
      this.made.push({ ...found, made: false });
      return {
        certificate: await readFile(certificate, 'utf8'),
        privateKey: await readFile(key, 'utf8'),
      };
    }
    if (existsSync(key)) throw keyAlone(key, certificate);
    if (existsSync(certificate))
      throw new StateError({
        code: 'root-key-missing',
        message: `${certificate} is there, but not its key ${key}: nothing can be signed with it`,
        hint: 'Run this where the root was made, or give --output a new directory.',
      });
    const validity = { nowMs: this.#nowMs, days: this.#flags.rootDays };
    const root = await createRoot('Mila federation root', validity, systemRandom());
    await store(this.#directory, ROOT, root);
    this.made.push({ ...found, made: true });
    return root;
  }

  async #issue(root: Identity, fileName: string, subject: Subject): Promise<void> {
    const { issueCertificate } = await import('../../fl/transport/grpc/certificate-authority.ts');
    const files = filesOf(this.#directory, fileName);
    const found = { role: subject.kind, name: fileName, ...files };
    if (existsSync(files.certificate) && this.#flags.renew !== true) {
      this.made.push({ ...found, made: false });
      return;
    }
    if (existsSync(files.certificate)) await assertSignedBy(root, files.certificate);
    else if (existsSync(files.key)) throw keyAlone(files.key, files.certificate);
    const validity = { nowMs: this.#nowMs, days: this.#flags.days };
    await store(this.#directory, fileName, await issueCertificate(root, subject, validity, systemRandom()));
    this.made.push({ ...found, made: true });
  }
}

function report(made: readonly Made[], output: Output): void {
  if (output.json) {
    output.document({ certificates: made });
    return;
  }
  for (const each of made)
    output.result(`${each.made ? 'made ' : 'kept '} ${each.role.padEnd(6)} ${each.certificate} ${each.key}`);
  output.note('Give each site its own .crt and .key, and root.crt; root.key stays here.');
}

async function certificates(flags: CertificateFlags): Promise<void> {
  const workshop = new Workshop(flags);
  await workshop.run();
  report(workshop.made, processOutput(flags));
}

const collect = (value: string, values: readonly string[] = []): readonly string[] => [...values, value];

function host(value: string, values: readonly string[] = []): readonly string[] {
  if (!/^[A-Za-z0-9.:_*-]{1,253}$/.test(value))
    throw new InvalidArgumentError('a host name or an address, without port.');
  return collect(value, values);
}

function days(value: string): number {
  const count = Number(value);
  if (!Number.isSafeInteger(count) || count < 1 || count > 36_500)
    throw new InvalidArgumentError('Allowed: a whole number of days from 1 to 36500.');
  return count;
}

/** `mila certificates`: what a secure gRPC federation needs, made in one go. */
export function certificatesCommand(): Command {
  return new Command('certificates')
    .description("make a root, a server's and clients' certificates for secure gRPC connections")
    .requiredOption('-o, --output <dir>', 'where they go; a root that is there signs again')
    .option('--host <host>', 'a name or address under which clients reach the server (repeat it)', host)
    .option('--client <name>', 'a client, by the name under which it takes part (repeat it)', collect)
    .option('--days <n>', 'how long certificates hold', days, 365)
    .option('--root-days <n>', 'how long a new root holds', days, 3_650)
    .option('--renew', 'make certificates again that are there and that this root signed')
    .option('--json', 'one JSON document on standard output')
    .option('--quiet', 'no hints on standard error')
    .addHelpText(
      'after',
      '\nExample:\n  mila certificates -o certificates --host server.example.org --client site_a --client site_b',
    )
    .action(certificates);
}
