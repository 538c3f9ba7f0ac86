// Builds dist: compiles src, then takes into the built modules what the installed program uses of large libraries, so
// that nobody who installs it downloads the rest of them. What stands in the built files is named in dist/bundled.json.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { keepLibraryTypes } from './library-types.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const { dependencies, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const require = createRequire(import.meta.url);
const trainer = join(dist, 'fl', 'executor', 'mnist');

/** Built modules that take libraries in; `own` are neighbours that use the same library and must share its state. */
const BUNDLES = [
  {
    file: join(dist, 'fl', 'report', 'svg-chart.js'),
    packages: ['echarts', 'zrender', 'tslib'],
    own: [],
    isLarge: true,
  },
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
    isLarge: true,
  },
  {
    file: join(dist, 'fl', 'transport', 'grpc', 'certificate-authority.js'),
    packages: ['reflect-metadata', '@peculiar/*', 'asn1js', 'pvtsutils', 'pvutils', 'tslib', 'tsyringe'],
    own: [],
  },
];
/** Libraries that many modules use: each becomes one file in dist/vendor, which they import instead. */
const SHARED = [
  {
    name: 'find-my-way',
    packages: [
      'find-my-way',
      'fast-deep-equal',
      'fast-querystring',
      'fast-decode-uri-component',
      'safe-regex2',
      'ret',
    ],
  },
  { name: '@fastify/busboy', packages: ['@fastify/busboy'] },
  { name: 'jose', packages: ['jose'] },
  { name: 'lossless-json', packages: ['lossless-json'] },
  { name: 'undici', packages: ['undici'] },
  { name: 'yaml', packages: ['yaml'] },
  { name: 'zod', packages: ['zod'] },
  { name: 'prom-client', packages: ['prom-client', 'tdigest', 'bintrees', '@opentelemetry/api'] },
];
const vendor = join(dist, 'vendor');
/** The libraries that the built files hold, with their own below them. */
export const BUNDLED_LIBRARIES = [...BUNDLES, ...SHARED]
  .flatMap(({ packages }) => packages)
  .map((name) => name.replace('@peculiar/*', '@peculiar/x509'));
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
    minifyWhitespace: true,
    minifySyntax: true,
    // Elsewhere names are kept: a stack trace then says something, and libraries that look at names of classes work.
    minifyIdentifiers: request.isLarge === true,
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

/** An import of a library, as the compiler writes it: of its default, or of names. */
const importsOf = (name) => new RegExp(`^import (\\w+|\\{[^}]*\\}) from '${name}';$`, 'gmu');

/** What modules import of a library, by the names that it has there. */
function importedNames(clauses) {
  const names = clauses.flatMap((clause) =>
    clause.startsWith('{') ? clause.slice(1, -1).split(',') : ['default'],
  );
  return [...new Set(names.map((each) => each.trim().split(' as ')[0]))].filter((each) => each !== '').sort();
}

/** Make one file of a library in dist/vendor, and let every built module import that. */
async function share({ name, packages }) {
  const importers = modulesIn(dist).filter((path) => readFileSync(path, 'utf8').match(importsOf(name)));
  const clauses = importers.flatMap((path) =>
    [...readFileSync(path, 'utf8').matchAll(importsOf(name))].map(([, clause]) => clause),
  );
  const file = join(vendor, `${name.split('/').at(-1)}.js`);
  mkdirSync(vendor, { recursive: true });
  writeFileSync(file, `export { ${importedNames(clauses).join(', ')} } from '${name}';\n`);
  const bundled = await bundle({ file, packages, own: [] });
  for (const path of importers) {
    const target = relative(dirname(path), file).replaceAll('\\', '/');
    const specifier = target.startsWith('.') ? target : `./${target}`;
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replaceAll(importsOf(name), `import $1 from '${specifier}';`));
  }
  return bundled;
}

/** Errors: when a built module imports what an installation does not bring. */
async function assertSelfContained() {
  const { build } = await import('esbuild');
  const { metafile } = await build({
    entryPoints: modulesIn(dist),
    outdir: dist,
    write: false,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    metafile: true,
    logLevel: 'error',
  });
  const strangers = Object.entries(metafile.inputs).flatMap(([path, { imports }]) =>
    imports
      .filter(({ external, kind, path: name }) => external && kind !== 'require-call' && !isBuiltin(name))
      .filter(({ path: name }) => !(packageOf(name) in dependencies))
      .map(({ path: name }) => `${path} imports ${name}`),
  );
  if (strangers.length > 0) throw new Error(`not among the dependencies: ${strangers.join('; ')}`);
}

function modulesIn(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.js'))
    .map((path) => join(folder, path));
}

function compile() {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.json', '--declaration'], {
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
  keepLibraryTypes(dist, dependencies);
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
  await assertSelfContained();
  copyKernels();
  await writeDocuments();
  for (const program of ['mila.js', 'mila-sync.js']) chmodSync(join(dist, 'cli', program), 0o755);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await build();
