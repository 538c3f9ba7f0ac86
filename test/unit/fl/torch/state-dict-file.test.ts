import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { StateDict, Tensor } from '../../../../src/fl/tensor/tensor.ts';
import { readStateDict, writeStateDict } from '../../../../src/fl/torch/state-dict-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'mila-torch-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function hasTorch(): boolean {
  if (process.env['CI']) return true;
  if (!existsSync('/usr/bin/python3')) return false;
  try {
    execFileSync('/usr/bin/python3', ['-c', 'import torch'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function float32(shape: readonly number[], values: readonly number[]): Tensor {
  return { dtype: 'float32', shape, bytes: new Uint8Array(Float32Array.from(values).buffer) };
}

const SAMPLE: StateDict = new Map<string, Tensor>([
  ['layer.weight', float32([2, 3], [1, -2, 3.5, 4, Number.NaN, Number.POSITIVE_INFINITY])],
  ['layer.bias', float32([0], [])],
  ['steps', { dtype: 'int64', shape: [], bytes: new Uint8Array(BigInt64Array.of(2n ** 60n).buffer) }],
  ['__proto__', float32([1], [0.1])],
]);

it('reads back what it wrote', async () => {
  const path = join(folder, 'round-trip.pt');
  await writeStateDict(path, SAMPLE);
  expect(await readStateDict(path)).toEqual(SAMPLE);
});

it.skipIf(!hasTorch())(
  'writes what PyTorch loads, also with weights_only, and zipfile finds clean',
  async () => {
    const path = join(folder, 'for-torch.pt');
    await writeStateDict(path, SAMPLE);
    const script = `
import sys, torch, zipfile
assert zipfile.ZipFile(sys.argv[1]).testzip() is None
for only in (False, True):
    loaded = torch.load(sys.argv[1], weights_only=only)
    assert list(loaded) == ["model"], loaded
    model = loaded["model"]
    assert list(model) == ["layer.weight", "layer.bias", "steps", "__proto__"], list(model)
    assert model["layer.weight"].shape == (2, 3) and model["layer.weight"][0, 2] == 3.5
    assert model["layer.weight"].isnan().sum() == 1
    assert model["steps"].item() == 2 ** 60 and model["layer.bias"].numel() == 0
print("loaded")`;
    expect(execFileSync('/usr/bin/python3', ['-c', script, path], { encoding: 'utf8' })).toBe('loaded\n');
  },
);
