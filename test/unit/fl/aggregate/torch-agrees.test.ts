import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAggregator } from '../../../../src/fl/aggregate/create-aggregator.ts';
import { participantId } from '../../../../src/ids.ts';
import { silentLogger } from '../../../../src/logger.ts';
import { hasTorch, python } from '../torch/python.ts';
import { Federation } from './federation.ts';

/** Checkpoints as kMoL writes them, of a model with BatchNorm, odd strides, tied weights and every usual type. */
const MAKE = `
import sys, torch, collections
folder, clients = sys.argv[1], int(sys.argv[2])
for client in range(clients):
    torch.manual_seed(client)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.Flatten(), torch.nn.Linear(32, 5))
    net(torch.randn(4, 3, 4, 4))
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=100)
    net(torch.randn(4, 3, 4, 4)).sum().backward(); optimizer.step(); scheduler.step()
    model = net.state_dict()
    model["big"] = torch.randn(300, 1000)
    model["transposed"] = torch.randn(70, 50).t()
    model["channels_last"] = torch.randn(2, 3, 5, 4).contiguous(memory_format=torch.channels_last)
    model["sliced"] = torch.randn(100, 4)[::3, 1:3]
    model["mixed_order"] = torch.randn(6, 4) if client % 2 else torch.randn(4, 6).t()
    model["expanded"] = torch.randn(7).expand(1, 7)
    model["f64"] = torch.randn(9, dtype=torch.float64)
    model["f16"] = torch.randn(1000).half()
    model["bf16"] = torch.randn(1000).bfloat16()
    model["i32"] = torch.randint(-1000, 1000, (50,), dtype=torch.int32)
    model["i64"] = torch.randint(-2**40, 2**40, (50,))
    model["scalar"] = torch.tensor(float(client))
    model["empty"] = torch.zeros(0, 3)
    torch.save({"epoch": 3, "model": model, "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()},
               f"{folder}/c{client}.pt", _use_new_zipfile_serialization=client != 1)
`;

/** The reference's rules, written down in PyTorch; strict mode keeps integers integer. */
const COMPARE = `
import sys, torch, zipfile
folder, clients, rule, out = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
models = [torch.load(f"{folder}/c{i}.pt")["model"] for i in range(clients)]
assert zipfile.ZipFile(out).testzip() is None
loaded = torch.load(out)
safe = torch.load(out, weights_only=True)
assert list(loaded) == ["model"] == list(safe)
result = loaded["model"]
assert list(result) == list(models[0]), (list(result), list(models[0]))
weights = [0.5, 0.25, 0.25]
for key, first in models[0].items():
    values = [m[key] for m in models]
    if rule == "plain":
        total = values[0].clone()
        for value in values[1:]: total += value
        want = torch.div(total, clients) if total.is_floating_point() else torch.floor_divide(total, clients)
    elif rule == "weighted":
        if not first.is_floating_point(): continue
        want = values[0] * weights[0]
        for value, weight in zip(values[1:], weights[1:]): want += value * weight
    elif rule == "median":
        if first.dtype not in (torch.float32, torch.float64): continue
        want = torch.stack(values).median(dim=0).values
    assert result[key].dtype == want.dtype, (key, result[key].dtype, want.dtype)
    assert torch.equal(result[key], want), (key, (result[key] - want).abs().max())
    assert torch.equal(safe["model"][key], want), key
if rule == "plain": assert result._metadata == models[0]._metadata, result._metadata
net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.Flatten(), torch.nn.Linear(32, 5))
net.load_state_dict({k: v for k, v in result.items() if k[0].isdigit()})
print("equal")
`;

describe.skipIf(!hasTorch())('in real PyTorch (skipped where it is not installed)', () => {
  const round = new Federation();
  const clients = 3;
  beforeAll(() => {
    python(MAKE, round.folder, String(clients));
  });
  afterAll(() => round.remove());

  for (const [rule, options] of Object.entries({
    plain: {},
    weighted: { weights: { c0: 0.5, c1: 0.25, c2: 0.25 } },
    median: {},
  }))
    for (const vectors of [true, false])
      it(`the ${rule} aggregate is torch.equal to PyTorch's own, ${vectors ? 'with' : 'without'} vectors`, async () => {
        const aggregator = await createAggregator(rule, options, {
          logger: silentLogger,
          environment: { vectors },
        });
        const inputs = Array.from({ length: clients }, (_, client) => ({
          participant: participantId(`c${client}`),
          path: join(round.folder, `c${client}.pt`),
          samples: null,
        }));
        const report = await aggregator.aggregate(inputs, round.output);
        expect(report.refused).toEqual([]);
        expect(python(COMPARE, round.folder, String(clients), rule, round.output)).toBe('equal\n');
      });
});
