import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { builtProgram, startProgram } from '../support/programs.ts';
import { PYTHON } from '../unit/fl/torch/python.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));
const CHECKPOINTS = fileURLToPath(new URL('../../fixtures/checkpoints/files/', import.meta.url));
const RUN_TIMEOUT_MS = 240_000;

const has = (...modules: readonly string[]) =>
  spawnSync(PYTHON, ['-c', `import ${modules.join(', ')}`]).status === 0;
const hasMolecules = existsSync('/usr/share/RDKit/Contrib/FreeWilson/data');

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mila-examples-'));
});
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

/** A copy of an example, with the interpreter that these tests have. */
async function example(name: string): Promise<string> {
  const directory = join(folder, name);
  await cp(join(EXAMPLES, name), directory, { recursive: true });
  for (const file of await readdir(directory)) {
    const path = join(directory, file);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"python3"', JSON.stringify(PYTHON)));
  }
  return directory;
}

/** What the sites told of their trainings: the metrics of each, in the order of their rounds. */
function metricsOf(stdout: string): readonly Readonly<Record<string, number>>[] {
  return stdout
    .split('\n')
    .filter((line) => line.includes('"trained"'))
    .map((line) => (JSON.parse(line) as { metrics: Record<string, number> }).metrics);
}

describe('an example', { timeout: RUN_TIMEOUT_MS }, () => {
  it.skipIf(!has('torch') || !hasMolecules)(
    'of chemistry learns, and the average beats each site (skipped without torch or rdkit-data)',
    async () => {
      const started = startProgram('mila', ['up', await example('pytorch-chemistry'), '--json']);
      expect(await started.ended, started.stderr()).toBe(0);
      const told = metricsOf(started.stdout());
      expect(told).toHaveLength(9);
      const first = told.slice(0, 3).map(({ rmse }) => rmse ?? Number.NaN);
      const averages = told.slice(6).map(({ rmse_of_average: rmse }) => rmse ?? Number.NaN);
      for (const average of averages) expect(average).toBeLessThan(Math.min(...first));
    },
  );

  it.skipIf(!has('torch', 'sklearn'))(
    'of scikit-learn learns through its bridge (skipped without torch or scikit-learn)',
    async () => {
      const started = startProgram('mila', ['up', await example('scikit-learn'), '--json']);
      expect(await started.ended, started.stderr()).toBe(0);
      const told = metricsOf(started.stdout());
      expect(told).toHaveLength(9);
      for (const { accuracy_of_average: accuracy } of told.slice(6)) expect(accuracy).toBeGreaterThan(0.9);
    },
  );

  it('of kMoL is a configuration without a fault, for the server and for each site', async () => {
    const directory = await example('kmol');
    for (const file of ['server.json', 'site_a.json', 'site_b.json']) {
      const check = spawnSync(process.execPath, [builtProgram('mila'), 'config', 'check', file, '--json'], {
        cwd: directory,
        encoding: 'utf8',
      });
      const { faults } = JSON.parse(check.stdout) as { faults: readonly string[] };
      // The key file is what an administrator brings.
      expect(faults.filter((fault) => !fault.includes('box-key.json'))).toEqual([]);
    }
  });

  it('of kMoL runs `kmol train` at each site with the task and its own overwrites', async () => {
    const directory = await example('kmol');
    await mkdir(join(folder, 'bin'));
    // What kMoL's trainer leaves, as far as it shows: a dated folder below the output path with a checkpoint.
    const [model] = (await readdir(CHECKPOINTS)).filter((name) => name.endsWith('.pt'));
    const script = `#!${process.execPath}
const { mkdirSync, copyFileSync, readFileSync } = require('node:fs');
const [, , job, path] = process.argv;
const { output_path: output, epochs, model } = JSON.parse(readFileSync(path, 'utf8'));
if (job !== 'train' || epochs !== 5 || model.type !== 'graph_convolutional') process.exit(1);
mkdirSync(output + '/2026-01-01_00-00', { recursive: true });
copyFileSync(${JSON.stringify(join(CHECKPOINTS, model ?? ''))}, output + '/2026-01-01_00-00/checkpoint.5.pt');
`;
    await writeFile(join(folder, 'bin', 'kmol'), script);
    await chmod(join(folder, 'bin', 'kmol'), 0o755);
    for (const file of await readdir(directory)) {
      const path = join(directory, file);
      const text = await readFile(path, 'utf8');
      await writeFile(
        path,
        text
          .replace(/"box_configuration_path": "[^"]*",/, '')
          .replace('"rounds_count": 10', '"rounds_count": 1'),
      );
    }
    const environment = { PATH: `${join(folder, 'bin')}:${process.env['PATH']}` };
    const started = startProgram('mila', ['up', directory, '--json'], { environment });
    expect(await started.ended, started.stderr()).toBe(0);
    expect(metricsOf(started.stdout())).toHaveLength(2);
  });
});
