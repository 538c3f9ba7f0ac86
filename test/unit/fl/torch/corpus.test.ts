import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CorruptError } from '../../../../src/errors.ts';
import { Checkpoint } from '../../../../src/fl/torch/checkpoint-reader.ts';

const FOLDER = new URL('../../../../fixtures/checkpoints/files/', import.meta.url);

interface Expected {
  readonly file: string;
  readonly expect: 'ok' | 'error' | 'ok_or_error' | 'error_unsupported';
  readonly note: string;
  readonly tensors?: readonly {
    readonly path: readonly string[];
    readonly dtype: string;
    readonly shape: readonly number[];
    readonly stride: readonly number[];
    readonly sha256: string;
  }[];
}

const { files } = JSON.parse(readFileSync(new URL('manifest.json', FOLDER), 'utf8')) as {
  files: readonly Expected[];
};

/** Every tensor of a file, as the manifest lists them. */
async function tensorsOf(file: string) {
  const checkpoint = await Checkpoint.open(
    new URL(encodeURIComponent(file), FOLDER).pathname.split('/').map(decodeURIComponent).join('/'),
  );
  try {
    const found = [];
    for (const { path, layout } of checkpoint.tree().tensors) {
      const { dtype, shape, stride } = layout;
      const sha256 = createHash('sha256')
        .update(await checkpoint.readTensor(layout))
        .digest('hex');
      found.push({ path, dtype, shape, stride, sha256 });
    }
    return found;
  } finally {
    checkpoint.close();
  }
}

/** Errors of the model, where the tree can be read. */
async function modelOf(file: string): Promise<void> {
  const path = new URL(encodeURIComponent(file), FOLDER).pathname
    .split('/')
    .map(decodeURIComponent)
    .join('/');
  const checkpoint = await Checkpoint.open(path);
  try {
    for (const layout of checkpoint.model().tensors.values()) await checkpoint.readTensor(layout);
  } finally {
    checkpoint.close();
  }
}

describe('files written by PyTorch', () => {
  for (const { file, expect: wanted, note, tensors } of files.filter((each) => each.expect === 'ok'))
    it(`reads ${file}: ${note}`, async () => {
      expect(wanted).toBe('ok');
      const plain = (tensors ?? []).map(({ path, dtype, shape, stride, sha256 }) => ({
        path,
        dtype,
        shape,
        stride,
        sha256,
      }));
      expect(await tensorsOf(file)).toEqual(plain);
    });
});

describe('malformed and hostile files', () => {
  for (const { file, note } of files.filter((each) => each.expect.startsWith('error')))
    it(`refuses ${file}: ${note}`, async () => {
      await expect(modelOf(file)).rejects.toBeInstanceOf(CorruptError);
    });
});

describe('files that may be read or refused', () => {
  for (const { file, note, tensors } of files.filter((each) => each.expect === 'ok_or_error'))
    it(`does nothing worse than refusing ${file}: ${note}`, async () => {
      const outcome = await tensorsOf(file).catch((error: unknown) => error);
      if (Array.isArray(outcome))
        expect(outcome.map(({ sha256 }) => sha256)).toEqual((tensors ?? []).map(({ sha256 }) => sha256));
      else expect(outcome).toBeInstanceOf(CorruptError);
    });
});

it('names the foreign object and the place where it stands in the model', async () => {
  await expect(modelOf('m_self_ref_cycle.pt')).rejects.toMatchObject({ code: 'foreign-object' });
  await expect(modelOf('sparse.pt')).rejects.toMatchObject({ code: 'unsupported' });
  await expect(modelOf('m_os_system_in_model.pt')).rejects.toMatchObject({
    code: 'foreign-object',
    data: { name: 'os.system', path: ['model', 'w'] },
  });
});

it("keeps a scheduler's bound method as an inert name", async () => {
  const checkpoint = await Checkpoint.open(new URL('kmol_real_onecycle.pt', FOLDER).pathname);
  const { opaque } = checkpoint.tree();
  checkpoint.close();
  expect(opaque.map(({ name }) => name)).toEqual(['torch.optim.lr_scheduler.OneCycleLR._annealing_cos']);
});

it("keeps a module's versions beside the state dict", async () => {
  const checkpoint = await Checkpoint.open(new URL('bn_state_dict.pt', FOLDER).pathname);
  const { metadata } = checkpoint.model();
  checkpoint.close();
  expect(metadata?.get('1')).toEqual(new Map([['version', 2]]));
});
