// Makes a checkout ready to run: installs when node_modules does not match the lock file, builds when dist is
// older than src. Costs a few milliseconds when all is there. Uses nothing but Node itself.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const installStamp = join(root, 'node_modules', '.mila-installed');
const buildStamp = join(root, 'dist', '.mila-built');

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (!((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22)) {
  console.error(`mila-sync needs Node 20.19 or newer (20.x), or 22.12 or newer; this is ${process.version}.`);
  process.exit(2);
}

const digest = (...paths) => {
  const hash = createHash('sha256').update(process.version);
  for (const path of paths) hash.update(readFileSync(join(root, path)));
  return hash.digest('hex');
};
const stampOf = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : '');

function run(what, command, args) {
  console.error(`> ${what}`);
  // Standard output belongs to the program that runs next (it may be JSON).
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) {
    console.error(`${what} failed${error ? `: ${error.message}` : ''}`);
    process.exit(status ?? 1);
  }
}

function* filesBelow(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}

const lock = digest('package-lock.json');
if (stampOf(installStamp) !== lock) {
  run('installing dependencies (npm ci; a minute or two, once)', 'npm', [
    'ci',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]);
  writeFileSync(installStamp, lock);
}

const sources = [
  ...filesBelow(join(root, 'src')),
  join(root, 'tsconfig.json'),
  join(root, 'scripts', 'build.mjs'),
  join(root, 'package-lock.json'),
];
const newest = Math.max(...sources.map((path) => statSync(path).mtimeMs));
const fingerprint = `${sources.length} ${newest} ${lock}`;
if (stampOf(buildStamp) !== fingerprint) {
  run('building', process.execPath, [join(root, 'scripts', 'build.mjs')]);
  writeFileSync(buildStamp, fingerprint);
}
