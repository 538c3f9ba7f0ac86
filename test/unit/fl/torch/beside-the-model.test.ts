import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Checkpoint } from '../../../../src/fl/torch/checkpoint-reader.ts';
import { checkpointFile } from '../../../support/archive-maker.ts';
import { assemble, MODEL, named, rootOf, text } from '../../../support/pickle-assembler.ts';
import { hasTorch, python } from './python.ts';

const folder = mkdtempSync(join(tmpdir(), 'mila-beside-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What training programs keep beside the model, each in a checkpoint of its own and in every protocol. */
const MAKE = `
import sys, torch, enum, functools, operator, platform, os, pathlib, argparse, collections, datetime, types, dataclasses, random
import numpy as np
folder = sys.argv[1]
class Colour(enum.Enum): RED = 1
class Level(enum.IntEnum): HIGH = 3
class Rights(enum.Flag): READ = 1
@dataclasses.dataclass
class Config: lr: float = 0.1
class Odd(list): pass
Point = collections.namedtuple("Point", "x y")
net = torch.nn.Linear(2, 2)
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=100)
lambdas = torch.optim.lr_scheduler.LambdaLR(optimizer, lr_lambda=abs)
net(torch.randn(4, 2)).sum().backward(); optimizer.step()
odd = Odd([1, 2]); odd.note = "x"
known = {
    "scheduler": scheduler.state_dict(), "optimizer": optimizer.state_dict(), "whole optimizer": optimizer,
    "numpy scalar": np.float32(0.5), "numpy array": np.arange(6.0), "numpy state": np.random.get_state(), "random": random.getstate(),
    "path": pathlib.Path("/tmp/x"), "namespace": argparse.Namespace(lr=1), "defaultdict": collections.defaultdict(list, a=[1]),
    "counter": collections.Counter("aab"), "date": datetime.datetime(2026, 1, 1), "device": torch.device("cpu"), "dtype": torch.float16,
    "size": torch.Size([1, 2]), "set": {1, 2}, "frozenset": frozenset([1]), "bytes": b"ab\\xff", "complex": 1 + 2j, "version": torch.__version__,
    "integer": 2 ** 200, "bytearray": bytearray(b"ab"),
}
foreign = {
    "enum": Colour.RED, "int enum": Level.HIGH, "flag": Rights.READ, "partial": functools.partial(max, 1), "bound method": odd.append,
    "itemgetter": operator.itemgetter(1), "uname": platform.uname(), "stat": os.stat("."), "exception": ValueError("no"),
    "module": net, "dataclass": Config(), "function": os.path.join, "list with attributes": odd, "named tuple": Point(1, 2),
    "lambda scheduler": lambdas, "class": Config, "builtin": print,
}
index = 0
for group, things in (("known", known), ("foreign", foreign)):
    for name, thing in things.items():
        for protocol in (2, 4):
            torch.save({"epoch": 1, "model": net.state_dict(), "thing": thing}, f"{folder}/{index}.pt", pickle_protocol=protocol)
            print(f"{group}|{name}, protocol {protocol}")
            index += 1
`;

describe.skipIf(!hasTorch())('beside the model (skipped where PyTorch is not installed)', () => {
  it('anything may stand, and what is foreign is told', { timeout: 60_000 }, async () => {
    const lines = python(MAKE, folder).trim().split('\n');
    expect(lines.length).toBeGreaterThan(70);
    for (const [index, line] of lines.entries()) {
      const [group, name] = line.split('|');
      const checkpoint = await Checkpoint.open(join(folder, `${index}.pt`));
      expect([...checkpoint.model().tensors.keys()], name).toEqual(['weight', 'bias']);
      expect(checkpoint.tree().tensors.length, name).toBeGreaterThanOrEqual(2);
      if (group === 'known') expect(checkpoint.foreignNames(), name).toEqual([]);
      else expect(checkpoint.foreignNames().length, name).toBeGreaterThan(0);
      checkpoint.close();
    }
  });
});

it('refuses under the model what it passes over beside it', async () => {
  const enumMember = assemble(named('builtins', 'getattr'), named('mine', 'Colour'), text('RED'), 0x86, 'R');
  const partial = assemble(named('functools', 'partial'), named('builtins', 'max'), 0x85, 'R');
  for (const thing of [enumMember, partial, named('mine', 'Colour')]) {
    const path = join(folder, 'made.pt');
    const modelOf = async () => {
      const checkpoint = await Checkpoint.open(path);
      try {
        return checkpoint.model();
      } finally {
        checkpoint.close();
      }
    };
    writeFileSync(path, checkpointFile(rootOf(MODEL, text('x'), thing)));
    expect((await modelOf()).tensors.size).toBe(1);
    writeFileSync(path, checkpointFile(rootOf(assemble('}', text('x'), thing, 's'))));
    await expect(modelOf()).rejects.toMatchObject({ code: 'foreign-object', data: { path: ['model', 'x'] } });
  }
});
