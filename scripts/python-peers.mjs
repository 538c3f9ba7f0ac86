// Installs what tests talk to and Debian has not: Box's Python SDKs, which drive the emulator, TensorBoard and MLflow,
// each into a folder of its own. Needs Debian's python3 and python3-pip, and no virtual environment. Where they go:
// MILA_PYTHON_PEERS, or node_modules/.mila-python. Costs nothing when all is there.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const python = join(root, 'test', 'support', 'python');
const lists = ['box-sdks', 'trackers'].flatMap((room) =>
  readdirSync(join(python, room))
    .filter((name) => name.endsWith('.txt'))
    .map((name) => join(python, room, name)),
);
const folder = process.env.MILA_PYTHON_PEERS || join(root, 'node_modules', '.mila-python');
/** The Python that the tests run, too. */
const PYTHON = '/usr/bin/python3';

for (const list of lists) {
  const wanted = readFileSync(list, 'utf8');
  const target = join(folder, basename(list, '.txt'));
  const stamp = join(target, '.mila-installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) continue;
  console.error(`> installing ${basename(list, '.txt')} into ${target}`);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const options = [
    '--quiet',
    '--disable-pip-version-check',
    '--no-warn-conflicts',
    '--root-user-action=ignore',
  ];
  const args = ['-m', 'pip', 'install', ...options, '--target', target, '-r', list];
  const { status, error } = spawnSync(PYTHON, args, { stdio: ['ignore', 2, 2] });
  if (status !== 0) {
    console.error(`${basename(list)} could not be installed${error ? `: ${error.message}` : ''}`);
    process.exit(1);
  }
  writeFileSync(stamp, wanted);
}
