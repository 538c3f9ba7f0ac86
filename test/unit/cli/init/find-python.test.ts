import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findPython } from '../../../../src/cli/init/find-python.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mila-python-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A folder with a python3 of its own that can import one module. */
async function python(name: string, module: string): Promise<string> {
  const bin = join(folder, name);
  await mkdir(bin, { recursive: true });
  const script = `#!/bin/sh\n[ "$1" = -c ] && [ "$2" = "import ${module}" ]\n`;
  await writeFile(join(bin, 'python3'), script);
  await chmod(join(bin, 'python3'), 0o755);
  return bin;
}

const search = (...folders: readonly string[]) => ({ PATH: [...folders, '/bin'].join(delimiter) });

it('names python3 where the first one on the PATH has the module', async () => {
  const first = await python('first', 'torch');
  expect(await findPython('torch', search(first))).toEqual({ command: 'python3', hasModule: true });
});

it('names another one by its path where the first has not', async () => {
  const [first, second] = [await python('first', 'numpy'), await python('second', 'torch')];
  expect(await findPython('torch', search(first, second))).toEqual({
    command: join(second, 'python3'),
    hasModule: true,
  });
});

it('says when none has it', async () => {
  const first = await python('first', 'numpy');
  expect(await findPython('no_such_module', search(first))).toEqual({ command: 'python3', hasModule: false });
});
