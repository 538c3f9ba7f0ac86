// Builds dist: compiles src, then takes into the built modules what the installed program uses of large libraries, so
// that nobody who installs it downloads the rest of them. What stands in the built files is named in dist/bundled.json.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const require = createRequire(import.meta.url);
const trainer = join(dist, 'fl', 'executor', 'mnist');

/** Built modules that take libraries in; `own` are neighbours that use the same library and must share its state. */
const BUNDLES = [
  { file: join(dist, 'fl', 'report', 'svg-chart.js'), packages: ['echarts', 'zrender', 'tslib'], own: [] },
  {
    file: join(trainer, 'training-thread.js'),
    packages: [
      '@tensorflow/tfjs-core',
      '@tensorflow/tfjs-backend-wasm',
      '@tensorflow/tfjs-backend-cpu',
      'long',
      'seedrandom',
    ],
    own: ['./network.js', './training.js', './wasm-backend.js'],
  },
  {
    file: join(dist, 'fl', 'transport', 'grpc', 'certificate-authority.js'),
    packages: ['reflect-metadata', '@peculiar/*', 'asn1js', 'pvtsutils', 'pvutils', 'tslib', 'tsyringe'],
    own: [],
  },
];
/** Libraries that many modules use: each becomes one file in dist/vendor, which they import instead. */
const SHARED = [
  { name: 'zod', packages: ['zod'] },
  { name: 'prom-client', packages: ['prom-client', 'tdigest', 'bintrees', '@opentelemetry/api'] },
];
const vendor = join(dist, 'vendor');
/** The kernels that a single thread of computation loads, with and without vector instructions. */
const KERNELS = ['tfjs-backend-wasm-simd.wasm', 'tfjs-backend-wasm.wasm'];
/** Libraries in CommonJS ask for these; a module has neither by itself. */
const COMMONJS = [
  "import { createRequire as bundledRequire } from 'node:module';",
  "import { dirname as bundledDirname } from 'node:path';",
  "import { fileURLToPath as bundledPath } from 'node:url';",
  'const require = bundledRequire(import.meta.url);',
  'const __filename = bundledPath(import.meta.url);',
  'const __dirname = bundledDirname(__filename);',
].join('\n');

function packageOf(specifier) {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function isAmong(packages, specifier) {
  const name = packageOf(specifier);
  return packages.includes(name) || packages.includes(`${name.split('/')[0]}/*`);
}

/** Takes in exactly the named packages and neighbours; every other import stays an import. */
function onlyThese({ packages, own }) {
  return {
    name: 'only-these',
    setup(build) {
      build.onResolve({ filter: /.*/ }, ({ path, kind, importer }) => {
        if (kind === 'entry-point') return undefined;
        const isOwn = !importer.includes('node_modules');
        const isTaken = path.startsWith('.') ? !isOwn || own.includes(path) : isAmong(packages, path);
        return isTaken ? undefined : { path, external: true };
      });
    },
  };
}

/** Every package of which a bundle holds code. */
function packagesIn({ inputs }) {
  const found = Object.keys(inputs).flatMap((path) => {
    const inside = path.split('node_modules/').at(-1);
    return path.includes('node_modules/') && inside !== undefined ? [packageOf(inside)] : [];
  });
  return [...new Set(found)];
}

async function bundle(request) {
  const { build } = await import('esbuild');
  const { metafile } = await build({
    entryPoints: [request.file],
    outfile: request.file,
    absWorkingDir: root,
    allowOverwrite: true,
    bundle: true,
    // Names are kept: a stack trace then says something, and libraries that look at the names of their classes work.
    minifyWhitespace: true,
    minifySyntax: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    banner: { js: COMMONJS },
    legalComments: 'inline',
    metafile: true,
    logLevel: 'error',
    plugins: [onlyThese(request)],
  });
  return packagesIn(metafile);
}

/** One file for a library that many modules share, with what those modules import of it. */
function bundleShared({ name, packages }, importers) {
  const names = importers.flatMap((path) =>
    [...readFileSync(path, 'utf8').matchAll(importsOf(name))].flatMap(([, list]) => list.split(',')),
  );
  const exported = [...new Set(names.map((each) => each.trim().split(' as ')[0]))].filter(
    (each) => each !== '',
  );
  const file = join(vendor, `${name}.js`);
  mkdirSync(vendor, { recursive: true });
  writeFileSync(file, `export { ${exported.sort().join(', ')} } from '${name}';\n`);
  return bundle({ file, packages, own: [] });
}

const importsOf = (name) => new RegExp(`^import \\{([^}]*)\\} from '${name}';$`, 'gmu');

/** Let every built module import the file in dist/vendor. */
async function share(library) {
  const importers = modulesIn(dist).filter((path) =>
    importsOf(library.name).test(readFileSync(path, 'utf8')),
  );
  const bundled = await bundleShared(library, importers);
  for (const path of importers) {
    const target = relative(dirname(path), join(vendor, `${library.name}.js`)).replaceAll('\\', '/');
    const specifier = target.startsWith('.') ? target : `./${target}`;
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replaceAll(importsOf(library.name), `import {$1} from '${specifier}';`));
  }
  return bundled;
}

function modulesIn(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.js'))
    .map((path) => join(folder, path));
}

function compile() {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.json'], {
    cwd: root,
    stdio: [0, 2, 2],
  });
  if (status !== 0) process.exit(status ?? 1);
}

function copyKernels() {
  const from = join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'wasm-out');
  mkdirSync(join(trainer, 'kernels'), { recursive: true });
  for (const name of KERNELS) cpSync(join(from, name), join(trainer, 'kernels', name));
}

/** What is made of the commands themselves: the outline that the overviews show, and the manual pages. */
async function writeDocuments() {
  const load = (path) => import(pathToFileURL(join(dist, 'cli', path)).href);
  const [{ MILA, MILA_SYNC, wholeProgram }, { outlineOf }, { manPage }] = await Promise.all(
    ['programs.js', 'outline.js', 'man-page.js'].map(load),
  );
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const outline = {};
  mkdirSync(join(root, 'man'), { recursive: true });
  for (const source of [MILA, MILA_SYNC]) {
    outline[source.name] = outlineOf((await wholeProgram(source)).commands);
    writeFileSync(join(root, 'man', `${source.name}.1`), manPage(await wholeProgram(source), version));
  }
  writeFileSync(join(dist, 'cli', 'outline.json'), `${JSON.stringify(outline)}\n`);
}

/** Build all of dist. Where it is complete, nothing of an earlier build is left in it. */
export async function build() {
  rmSync(dist, { recursive: true, force: true });
  compile();
  const bundled = [];
  for (const library of SHARED) bundled.push(...(await share(library)));
  for (const request of BUNDLES) {
    bundled.push(...(await bundle(request)));
    for (const name of request.own) rmSync(join(dirname(request.file), name));
  }
  writeFileSync(
    join(dist, 'bundled.json'),
    `${JSON.stringify([...new Set(bundled)].sort(), undefined, 2)}\n`,
  );
  copyKernels();
  await writeDocuments();
  for (const program of ['mila.js', 'mila-sync.js']) chmodSync(join(dist, 'cli', program), 0o755);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await build();
