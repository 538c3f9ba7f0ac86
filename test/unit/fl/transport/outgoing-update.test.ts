import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CorruptError } from '../../../../src/errors.ts';
import { copyModel } from '../../../../src/fl/torch/clean-copy.ts';
import { inspectCheckpoint } from '../../../../src/fl/torch/inspect-checkpoint.ts';
import { readStateDict } from '../../../../src/fl/torch/state-dict-file.ts';
import { outgoingUpdate } from '../../../../src/fl/transport/outgoing-update.ts';
import { checkpointFile } from '../../../support/archive-maker.ts';
import { MODEL, rootOf, text } from '../../../support/pickle-assembler.ts';
import { hasTorch, python } from '../torch/python.ts';

let results: string;
const running = new AbortController().signal;
beforeEach(() => {
  results = mkdtempSync(join(tmpdir(), 'mila-outgoing-'));
});
afterEach(() => rmSync(results, { recursive: true, force: true }));

const at = (name: string) => join(results, name);
const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
const out = (round: number, upload: 'model' | 'whole', name = 'checkpoint.pt') =>
  outgoingUpdate({ results, upload, copyModel }, { round, checkpointPath: at(name) }, running);

describe('the file that goes to the others', () => {
  beforeEach(() => {
    const beside = [text('epoch'), text('three'), text('optimizer'), text('means of gradients')] as const;
    writeFileSync(at('checkpoint.pt'), checkpointFile(rootOf(MODEL, ...beside)));
  });

  it('holds the model and nothing of what stands beside it; the checkpoint stays as it was', async () => {
    const before = readFileSync(at('checkpoint.pt'));
    const update = await out(3, 'model');
    expect(update.checkpointPath).toBe(at('update.round_3.pt'));
    expect(update).toMatchObject({
      sha256: sha256(update.checkpointPath),
      sizeBytes: statSync(update.checkpointPath).size,
    });
    const told = await inspectCheckpoint(update.checkpointPath);
    expect(JSON.stringify(told)).not.toContain('optimizer');
    expect(readFileSync(update.checkpointPath).includes('means of gradients')).toBe(false);
    expect(await readStateDict(update.checkpointPath)).toEqual(await readStateDict(at('checkpoint.pt')));
    expect(readFileSync(at('checkpoint.pt')).equals(before)).toBe(true);
  });

  it('is the checkpoint itself where the whole of it is asked for', async () => {
    const update = await out(3, 'whole');
    expect(update).toEqual({
      checkpointPath: at('checkpoint.pt'),
      sha256: sha256(at('checkpoint.pt')),
      sizeBytes: statSync(at('checkpoint.pt')).size,
    });
    expect(readdirSync(results)).toEqual(['checkpoint.pt']);
  });

  it('takes the place of the one of the round before, and of nothing else', async () => {
    writeFileSync(at('update.round_final.pt'), 'a file of somebody else');
    await out(1, 'model');
    await out(2, 'model');
    await out(10, 'model');
    expect(readdirSync(results).sort()).toEqual([
      'checkpoint.pt',
      'update.round_10.pt',
      'update.round_final.pt',
    ]);
  });

  it('has equal bytes for equal models: made again, it is the same update', async () => {
    const first = await out(1, 'model');
    expect((await out(1, 'model')).sha256).toBe(first.sha256);
  });

  it('does not exist for a checkpoint without a model, which is told with what to do', async () => {
    writeFileSync(at('weights.txt'), 'no checkpoint');
    const error: unknown = await out(1, 'model', 'weights.txt').catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(CorruptError);
    expect(error).toMatchObject({ code: 'update-malformed', hint: expect.stringContaining('"whole"') });
    expect(readdirSync(results)).toEqual(['checkpoint.pt', 'weights.txt']);
  });
});

describe.skipIf(!hasTorch())('of PyTorch (skipped where it is not installed)', () => {
  it('an AdamW checkpoint becomes a third of itself, which PyTorch loads as the same model', {
    timeout: 60_000,
  }, async () => {
    python(
      `
import sys, torch
net = torch.nn.Sequential(torch.nn.Linear(128, 512), torch.nn.BatchNorm1d(512), torch.nn.ReLU(), torch.nn.Linear(512, 64))
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=10)
for _ in range(3):
    optimizer.zero_grad(); net(torch.randn(8, 128)).square().mean().backward(); optimizer.step(); scheduler.step()
torch.save({"epoch": 1, "model": net.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}, sys.argv[1])`,
      at('checkpoint.pt'),
    );
    const update = await out(1, 'model');
    expect(update.sizeBytes / statSync(at('checkpoint.pt')).size).toBeLessThan(0.34);
    python(
      `
import sys, torch
whole, sent = torch.load(sys.argv[1]), torch.load(sys.argv[2])
assert list(sent) == ["model"], list(sent)
assert list(whole["model"]) == list(sent["model"])
for name, tensor in whole["model"].items(): assert torch.equal(tensor, sent["model"][name]), name`,
      at('checkpoint.pt'),
      update.checkpointPath,
    );
  });
});
