// Packs the project, installs the package into an empty folder with a cache and a home of its own, and uses it as
// somebody would who has never seen the sources. Prints what it takes.
// Run: npm run try-package [-- --tarball FILE] [-- --sizes FOLDER]
//   --tarball FILE  try a package that is there already
//   --sizes FOLDER  only install, below FOLDER, and print the sizes as JSON, with the programs' folder
// Where no registry answers it says so and ends with 0, except in CI.
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** What an installation may take, with everything that it brings. */
const INSTALLED_MAX_MB = 130;
const MB = 1_000_000;
const BLOCK = 512;
/** Compiling the database where nobody offers it compiled is by far the longest. */
const INSTALL_TIMEOUT_MS = 20 * 60_000;
const PROGRAM_TIMEOUT_MS = 5 * 60_000;
const READY_TIMEOUT_MS = 60_000;

const { values: options } = parseArgs({
  options: { tarball: { type: 'string' }, sizes: { type: 'string' } },
});
const say = (words) => console.error(`> ${words}`);

/** The machine's own settings of npm count, such as its registry; its cache and its home do not. */
function strangersEnvironment(folder) {
  const userconfig = spawnSync('npm', ['config', 'get', 'userconfig'], { encoding: 'utf8' }).stdout.trim();
  const home = join(folder, 'home');
  mkdirSync(home, { recursive: true });
  const cache = join(folder, 'cache');
  const own = { HOME: home, npm_config_cache: cache, npm_config_userconfig: userconfig };
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^npm_(package|lifecycle)_|^npm_config_local_prefix$|^NODE_ENV$/u.test(name),
  );
  return { ...Object.fromEntries(inherited), ...own, NO_PROXY: '127.0.0.1,localhost' };
}

function run(command, args, settings) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: PROGRAM_TIMEOUT_MS,
    maxBuffer: 2 ** 26,
    ...settings,
  });
  if (status === 0) return stdout;
  throw new Error(
    `${[command, ...args].join(' ')} ended with ${error?.message ?? status}\n${stderr}${stdout}`,
  );
}

/** What the disk gives for a folder, as `du` counts it. Units: bytes. */
function bytesOnDisk(path) {
  const here = lstatSync(path).blocks * BLOCK;
  if (!lstatSync(path).isDirectory()) return here;
  return readdirSync(path).reduce((sum, name) => sum + bytesOnDisk(join(path, name)), here);
}

function pack(folder) {
  if (options.tarball !== undefined) return resolve(options.tarball);
  say('npm pack');
  const told = run('npm', ['pack', '--silent', '--pack-destination', folder], {
    cwd: root,
    timeout: INSTALL_TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 2],
  });
  return join(folder, told.trim().split('\n').at(-1));
}

function install(folder, env) {
  const tarball = pack(folder);
  const place = join(folder, 'place');
  mkdirSync(place);
  // What a person is told to write who installs it into a project, docs/install.md: the database has an install script.
  writeFileSync(
    join(place, 'package.json'),
    JSON.stringify({ private: true, allowScripts: { 'better-sqlite3': true, protobufjs: false } }),
  );
  say('npm install, which compiles the database where nobody offers it compiled');
  const startedMs = Date.now();
  run('npm', ['install', '--omit=dev', '--no-audit', '--no-fund', '--loglevel=error', tarball], {
    cwd: place,
    env,
    timeout: INSTALL_TIMEOUT_MS,
  });
  const modules = join(place, 'node_modules');
  return {
    place,
    bin: join(modules, '.bin'),
    package: join(modules, 'mila-sync'),
    seconds: Math.round((Date.now() - startedMs) / 1000),
    tarball_mb: statSync(tarball).size / MB,
    package_mb: bytesOnDisk(join(modules, 'mila-sync')) / MB,
    installed_mb: bytesOnDisk(modules) / MB,
  };
}

/** Nothing that only those need who change the program. */
function assertLean({ package: folder, installed_mb: mb }) {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const foreign = files.filter((path) =>
    /^(src|test|bench|scripts|fixtures)\b|(?<!\.d)\.ts$|\.(map|tsbuildinfo)$/u.test(path),
  );
  if (foreign.length > 0)
    throw new Error(`the package holds what no user needs: ${foreign.slice(0, 5).join(', ')}`);
  const wanted = [
    'LICENSE',
    'THIRD-PARTY-LICENSES',
    'sbom.cdx.json',
    'README.md',
    'examples/first-run/train.py',
    'man/mila.1',
    'man/mila-sync.1',
  ];
  const missing = wanted.filter((path) => !existsSync(join(folder, path)));
  if (missing.length > 0) throw new Error(`the package lacks ${missing.join(', ')}`);
  if (mb > INSTALLED_MAX_MB)
    throw new Error(`an installation takes ${mb.toFixed(1)} MB, more than ${INSTALLED_MAX_MB}`);
}

const ok = (holds, words) => {
  if (!holds) throw new Error(words);
};

function tryPrograms(bin, folder, env) {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const settings = { cwd: folder, env };
  for (const program of ['mila', 'mila-sync']) {
    say(`${program} --version, --help, completion`);
    ok(
      run(join(bin, program), ['--version'], settings).trim() === version,
      `${program} --version is not ${version}`,
    );
    ok(
      run(join(bin, program), ['--help'], settings).includes('completion'),
      `${program} --help lacks commands`,
    );
    ok(
      run(join(bin, program), ['completion', 'bash'], settings).includes('complete -F'),
      'completion is none',
    );
  }
  say('mila certificates');
  run(
    join(bin, 'mila'),
    ['certificates', '--output', 'certificates', '--host', 'localhost', '--client', 'a'],
    settings,
  );
  say('mila demo --rounds 1');
  const demo = JSON.parse(
    run(join(bin, 'mila'), ['demo', '--rounds', '1', '--keep', 'demo', '--json'], settings),
  );
  ok(demo.rounds[0].aggregate > 0.5, `the demo learnt nothing: ${JSON.stringify(demo.rounds)}`);
  say('mila-sync inspect --html');
  run(join(bin, 'mila-sync'), ['inspect', demo.run_folder, '--html', 'page.html'], settings);
  ok(readFileSync(join(folder, 'page.html'), 'utf8').includes('<svg'), 'the report has no chart');
}

/** The library as another project imports it: each part, with its types beside it. */
function tryLibrary(place) {
  say('import of the library');
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const parts = Object.keys(exports).filter((name) => !name.endsWith('.json'));
  ok(parts.length > 0, 'the package exports nothing');
  for (const part of parts) {
    const types = exports[part].replace(/\.js$/u, '.d.ts');
    ok(existsSync(join(place, 'node_modules', 'mila-sync', types)), `${types} is missing`);
    const name = part.replace('.', 'mila-sync');
    run(process.execPath, ['--input-type=module', '-e', `await import('${name}')`], { cwd: place });
  }
}

/** README's own lines for a run of one's own, as a reader pastes them. */
function walkReadme(bin, folder, env) {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const lines = readme.split('\n').filter((line) => /^mila (init|up) trial\b/u.test(line));
  ok(lines.length === 2, "README no longer says how to come to a run of one's own");
  const hasTorch = (env.PATH ?? '')
    .split(':')
    .some((each) => spawnSync(join(each, 'python3'), ['-c', 'import torch']).status === 0);
  const settings = { cwd: folder, env: { ...env, PATH: `${bin}:${env.PATH}` } };
  for (const line of lines) {
    const typed = hasTorch ? line : line.replace('--program pytorch', '--program digits');
    say(typed);
    const told = run('sh', ['-c', typed], settings);
    if (line.startsWith('mila up')) ok(told.includes('final model'), `no final model: ${told}`);
  }
}

const SERVER = {
  server_type: 'mila.services.servers.BoxServer',
  server_manager_type: 'mila.services.server_manager.BoxServicer',
  box_configuration: {
    box_configuration_path: 'emulator-key.json',
    shared_dir_name: 'kmol folder',
    save_path: 'jwt/test_run',
    group_name: 'kmol group',
  },
  task_configuration_file: 'task.json',
  aggregator_type: 'mila.aggregators.PlainTorchAggregator',
  rounds_count: 1,
  minimum_clients: 1,
};

async function tryEmulator(bin, folder, env) {
  say('mila-sync emulator, setup and doctor');
  const settings = { cwd: folder, env };
  writeFileSync(join(folder, 'server.json'), JSON.stringify(SERVER));
  writeFileSync(join(folder, 'task.json'), '{}');
  const emulator = spawn(
    join(bin, 'mila-sync'),
    ['emulator', '--port', '0', '--write-config', 'emulator-key.json'],
    {
      ...settings,
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  try {
    const untilMs = Date.now() + READY_TIMEOUT_MS;
    while (
      !existsSync(join(folder, 'emulator-key.json')) &&
      Date.now() < untilMs &&
      emulator.exitCode === null
    )
      await new Promise((done) => setTimeout(done, 100));
    run(join(bin, 'mila-sync'), ['setup', 'server.json', '--participant', 'site_a'], settings);
    run(join(bin, 'mila-sync'), ['doctor', 'server.json'], settings);
  } finally {
    emulator.kill();
    await new Promise((done) => (emulator.exitCode === null ? emulator.once('exit', done) : done()));
  }
}

function isRegistryReachable() {
  return (
    spawnSync('npm', ['view', 'commander', 'version', '--fetch-retries=1'], { stdio: 'ignore' }).status === 0
  );
}

const folder = mkdtempSync(join(options.sizes ?? tmpdir(), 'mila-package-'));
let isLeft = false;
try {
  if (!isRegistryReachable()) {
    console.log('skipped: no registry of packages can be reached from here');
    process.exitCode = process.env.CI ? 1 : 0;
  } else {
    const env = strangersEnvironment(folder);
    const installed = install(folder, env);
    if (options.sizes !== undefined) {
      isLeft = true;
      console.log(JSON.stringify(installed));
    } else {
      assertLean(installed);
      tryLibrary(installed.place);
      tryPrograms(installed.bin, folder, env);
      walkReadme(installed.bin, folder, env);
      await tryEmulator(installed.bin, folder, env);
      const { tarball_mb, package_mb, installed_mb, seconds } = installed;
      console.log(
        `package: ${tarball_mb.toFixed(1)} MB packed, ${package_mb.toFixed(1)} MB unpacked, ${installed_mb.toFixed(1)} MB with everything it brings, installed in ${seconds} s`,
      );
    }
  }
} catch (error) {
  console.error(`package: ${error.message}`);
  process.exitCode = 1;
} finally {
  if (!isLeft) rmSync(folder, { recursive: true, force: true });
}
