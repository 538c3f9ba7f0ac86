import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GrpcSection } from '../../src/fl/config/grpc-section.ts';
import { defaultGrpcSection } from '../../src/fl/config/grpc-section.ts';
import type { Identity, Subject } from '../../src/fl/transport/grpc/certificate-authority.ts';
import { createRoot, issueCertificate } from '../../src/fl/transport/grpc/certificate-authority.ts';
import { seededRandom } from '../../src/random.ts';

const VALID = { nowMs: Date.now(), days: 2 };

/** Certificates of one root, in a folder of their own. */
export class TestCertificates {
  readonly #directory: string;
  readonly #root: Identity;
  readonly #random = seededRandom(11);
  #count = 0;

  private constructor(directory: string, root: Identity) {
    this.#directory = directory;
    this.#root = root;
  }

  static async open(): Promise<TestCertificates> {
    const directory = await mkdtemp(join(tmpdir(), 'mila-certificates-'));
    return new TestCertificates(directory, await createRoot('test', VALID, seededRandom(10)));
  }

  close(): Promise<void> {
    return rm(this.#directory, { recursive: true, force: true });
  }

  /** A configuration's section that uses a new certificate. */
  async section(subject: Subject): Promise<GrpcSection> {
    this.#count += 1;
    const count = this.#count;
    const own = await issueCertificate(this.#root, subject, VALID, this.#random);
    const path = (suffix: string) => join(this.#directory, `${count}.${suffix}`);
    await writeFile(path('crt'), own.certificate);
    await writeFile(path('key'), own.privateKey);
    await writeFile(path('root'), this.#root.certificate);
    return {
      ...defaultGrpcSection(),
      use_secure_connection: true,
      ssl_private_key: path('key'),
      ssl_cert: path('crt'),
      ssl_root_cert: path('root'),
    };
  }

  server(...hosts: readonly string[]): Promise<GrpcSection> {
    return this.section({ kind: 'server', hosts });
  }

  client(name: string): Promise<GrpcSection> {
    return this.section({ kind: 'client', name });
  }
}
