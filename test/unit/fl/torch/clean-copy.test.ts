import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CorruptError } from '../../../../src/errors.ts';
import type { Tensor } from '../../../../src/fl/tensor/tensor.ts';
import { Checkpoint } from '../../../../src/fl/torch/checkpoint-reader.ts';
import { copyModel } from '../../../../src/fl/torch/clean-copy.ts';
import { readStateDict, writeStateDict } from '../../../../src/fl/torch/state-dict-file.ts';
import { checkpointFile, legacyFile } from '../../../support/archive-maker.ts';
import { asLegacy, assemble, MODEL, named, rootOf, text } from '../../../support/pickle-assembler.ts';
import { hasTorch, python } from './python.ts';

const folder = mkdtempSync(join(tmpdir(), 'mila-clean-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string) => join(folder, name);

function float32(shape: readonly number[], values: readonly number[]): Tensor {
  return { dtype: 'float32', shape, bytes: new Uint8Array(Float32Array.from(values).buffer) };
}

/** Beside the model stands a call of a program, as a checkpoint that runs code has it. */
const RUNS_CODE = rootOf(MODEL, text('extra'), assemble(named('posix', 'system'), text('id'), 0x85, 'R'));

it.each([
  ['a zip archive', checkpointFile(RUNS_CODE)],
  ['a packed one', checkpointFile(RUNS_CODE, { deflated: true })],
  ['the format before PyTorch 1.6', legacyFile(asLegacy(RUNS_CODE))],
])('a copy of %s holds the model and no instruction of the file that it was read from', async (_, bytes) => {
  writeFileSync(at('evil.pt'), bytes);
  await copyModel(at('evil.pt'), at('clean.pt'));
  const copy = await Checkpoint.open(at('clean.pt'));
  expect(copy.foreignNames()).toEqual([]);
  copy.close();
  expect(readFileSync(at('clean.pt')).includes('posix')).toBe(false);
  expect(await readStateDict(at('clean.pt'))).toEqual(await readStateDict(at('evil.pt')));
});

it('a copy keeps every bit, also of values that are no numbers, and equal models give equal copies', async () => {
  const model = new Map<string, Tensor>([
    ['a', float32([2, 2], [Number.NaN, -0, Number.POSITIVE_INFINITY, 1e-45])],
    ['empty', float32([0, 3], [])],
    ['scalar', { dtype: 'int64', shape: [], bytes: new Uint8Array(BigInt64Array.of(2n ** 60n).buffer) }],
    [
      'large',
      float32(
        [700_000],
        Array.from({ length: 700_000 }, (_, index) => index / 3),
      ),
    ],
  ]);
  await writeStateDict(at('model.pt'), model);
  await copyModel(at('model.pt'), at('copy.pt'));
  expect(readFileSync(at('copy.pt')).equals(readFileSync(at('model.pt')))).toBe(true);
});

it('a damaged storage is refused, and leaves no copy', async () => {
  const bytes = readFileSync(at('model.pt'));
  bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] ?? 0) ^ 1;
  writeFileSync(at('damaged.pt'), bytes);
  await expect(copyModel(at('damaged.pt'), at('none.pt'))).rejects.toThrow(CorruptError);
  expect(() => statSync(at('none.pt'))).toThrow();
});

describe.skipIf(!hasTorch())('read by PyTorch (skipped where it is not installed)', () => {
  it('a copy has the names, types, shapes, values, ties and versions of its source', {
    timeout: 60_000,
  }, async () => {
    python(
      `
import sys, torch
net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last), torch.nn.BatchNorm2d(4))
state = net.state_dict()
base = torch.arange(24.)
state["tied"] = base[:12]; state["tied_too"] = state["tied"]; state["part"] = base[12:]
state["turned"] = torch.arange(6.).reshape(2, 3).t(); state["gaps"] = torch.arange(10.)[::2]
state["half"] = torch.tensor([1.5, float("nan")], dtype=torch.bfloat16); state["flags"] = torch.tensor([True, False])
torch.save({"model": state, "optimizer": torch.optim.Adam(net.parameters()), "epoch": 3}, sys.argv[1])`,
      at('torch.pt'),
    );
    await copyModel(at('torch.pt'), at('torch-copy.pt'));
    const told = python(
      `
import sys, torch
old, new = torch.load(sys.argv[1])["model"], torch.load(sys.argv[2], weights_only=True)
assert list(new) == ["model"]
new = new["model"]
assert list(old) == list(new)
for name in old:
    a, b = old[name], new[name]
    assert a.dtype == b.dtype and a.shape == b.shape, name
    assert a.contiguous().view(torch.uint8).equal(b.contiguous().view(torch.uint8)) if a.dtype not in (torch.bool,) and a.dim() else torch.equal(a, b), name
assert new["tied"].data_ptr() == new["tied_too"].data_ptr()
assert old._metadata == torch.load(sys.argv[2])["model"]._metadata
print("same")`,
      at('torch.pt'),
      at('torch-copy.pt'),
    );
    expect(told).toBe('same\n');
  });
});
