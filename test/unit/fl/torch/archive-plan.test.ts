import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { ArchivePlan, type PlannedTensor } from '../../../../src/fl/torch/archive-plan.ts';
import { Checkpoint } from '../../../../src/fl/torch/checkpoint-reader.ts';
import { hasTorch, python } from './python.ts';

const folder = mkdtempSync(join(tmpdir(), 'mila-plan-'));
const path = join(folder, 'wide.pt');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Write an archive whose storages are holes, which take no room on the disk. */
async function writeHollow(tensors: readonly PlannedTensor[], checksum = 0): Promise<ArchivePlan> {
  const plan = new ArchivePlan(tensors, null);
  const handle = await open(path, 'w');
  plan.writeFrame(
    handle.fd,
    plan.storages.map(() => checksum),
  );
  await handle.close();
  return plan;
}

const LIST = `
import sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
print(len(archive.infolist()), max(i.file_size for i in archive.infolist()), archive.read("archive/version"))`;

it('places a storage beyond 4 GiB, and another one after it, with 64-bit records', async () => {
  const plan = await writeHollow([
    { name: 'wide', dtype: 'float32', shape: [1_100_000_000] },
    { name: 'after', dtype: 'float32', shape: [10] },
  ]);
  const checkpoint = await Checkpoint.open(path, { checksum: 'ignore' });
  const { tensors } = checkpoint.model();
  for (const [index, layout] of [...tensors.values()].entries()) {
    const place = await checkpoint.place(layout);
    expect(place).toMatchObject({
      kind: 'file',
      offset: plan.storages[index]?.offset,
      sizeBytes: plan.storages[index]?.sizeBytes,
    });
    expect((plan.storages[index]?.offset ?? 1) % 64).toBe(0);
  }
  const after = tensors.get('after');
  expect(after === undefined ? undefined : await checkpoint.readTensor(after)).toEqual(new Uint8Array(40));
  checkpoint.close();
  if (hasTorch()) expect(python(LIST, path)).toBe("5 4400000000 b'3\\n'\n");
});

it('writes and reads more than 65 535 records', async () => {
  const count = 66_000;
  await writeHollow(
    Array.from({ length: count }, (_, index) => ({ name: `t${index}`, dtype: 'int8', shape: [0] })),
  );
  const checkpoint = await Checkpoint.open(path);
  expect(checkpoint.model().tensors.size).toBe(count);
  checkpoint.close();
  if (hasTorch()) expect(python(LIST, path)).toContain(`${count + 3} `);
});

it('gives tied tensors one storage', async () => {
  const plan = await writeHollow([
    { name: 'a', dtype: 'float32', shape: [4] },
    { name: 'b', dtype: 'float32', shape: [4], tiedTo: 'a' },
  ]);
  expect(plan.storages.map(({ name }) => name)).toEqual(['a']);
  const checkpoint = await Checkpoint.open(path);
  expect([...checkpoint.model().tensors.values()].map(({ storage }) => storage.key)).toEqual(['0', '0']);
  checkpoint.close();
});
