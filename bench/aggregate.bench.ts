/**
 * What aggregating costs, beside kMoL's own way in PyTorch where it is installed, in turns on the same files.
 * Words: cases such as plain:50x8: RULE:MBxN, with "+adamw" for optimizer state beside the model, "+trusted" for input
 * whose checksums were compared when it arrived, as a round's is. Inputs come from the page cache; PyTorch's import is
 * not counted; where there is a memory disk the output goes there, so that no disk is measured.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BenchContext, type Figure, median } from './figure.ts';

const PYTHON = '/usr/bin/python3';
const TENSORS = 320;
const OUTPUT = join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), `mila-bench-${process.pid}.agg`);
const RSS_GOAL = { of: 'value', atMost: 100 } as const;

/** Cases with the largest share of PyTorch's time, or of a time in seconds, that they may take. */
const CASES: Readonly<Record<string, Figure['goal']>> = {
  'plain:1x20': undefined,
  'plain:50x8': { of: 'ratio', atMost: 0.55 },
  'plain:50x8+trusted': { of: 'ratio', atMost: 0.55 },
  'plain:50x8+adamw': undefined,
  'plain:50x20': undefined,
  'plain:360x8': { of: 'ratio', atMost: 0.35 },
  'plain:360x8+trusted': { of: 'ratio', atMost: 0.35 },
  'plain:360x20': { of: 'ratio', atMost: 0.35 },
  'plain:360x20+trusted': { of: 'ratio', atMost: 0.35 },
  'median:50x20': { of: 'value', atMost: 3 },
  'trimmed-mean:50x20': { of: 'value', atMost: 3 },
  'multi-krum:50x20': undefined,
};
const QUICK_CASES = ['plain:50x8', 'plain:50x8+adamw', 'median:50x20'];

interface Sample {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly rssMb: number;
}

/** Checkpoints of 320 tensors, as PyTorch writes them. */
const GENERATE = `
import collections, os, sys, torch
folder, megabytes, count, adamw = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "1"
per = megabytes * 1000 * 1000 // 4 // ${TENSORS}
for client in range(count):
    path = f"{folder}/c{client:02}.pt"
    if os.path.exists(path): continue
    torch.manual_seed(client)
    model = collections.OrderedDict((f"layer{i}.weight", torch.randn(per)) for i in range(${TENSORS}))
    checkpoint = {"epoch": 1, "model": model}
    if adamw:
        state = {i: {"step": torch.tensor(1.0), "exp_avg": torch.randn_like(v), "exp_avg_sq": torch.randn_like(v)} for i, v in enumerate(model.values())}
        checkpoint["optimizer"] = {"state": state, "param_groups": [{"lr": 0.1}]}
    torch.save(checkpoint, path + ".tmp")
    os.rename(path + ".tmp", path)
`;

/** The plain mean as kMoL does it. */
const REFERENCE = `
import json, resource, sys, time, torch
paths, output = json.loads(sys.argv[1]), sys.argv[2]
before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
total = None
for path in paths:
    model = torch.load(path, map_location="cpu")["model"]
    if total is None: total = model
    else:
        for key, value in model.items(): total[key] += value
for key, value in total.items():
    total[key] = torch.div(value, len(paths)) if value.is_floating_point() else torch.floor_divide(value, len(paths))
torch.save({"model": total}, output)
seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
print(json.dumps({"seconds": seconds, "cpuSeconds": cpu, "rssMb": after.ru_maxrss / 1024}))
`;

function sample(command: string, args: readonly string[]): Sample {
  return JSON.parse(execFileSync(command, args, { encoding: 'utf8' })) as Sample;
}

function inputsOf(base: string, megabytes: number, count: number, adamw: boolean): string[] {
  const folder = join(base, `${megabytes}${adamw ? '-adamw' : ''}`);
  mkdirSync(folder, { recursive: true });
  execFileSync(PYTHON, ['-c', GENERATE, folder, String(megabytes), String(count), adamw ? '1' : '0']);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.pt'))
    .sort()
    .slice(0, count)
    .map((name) => join(folder, name));
}

function measureCase(name: string, { folder, runs, report }: BenchContext): void {
  const match = /^(?<type>[a-z-]+):(?<megabytes>\d+)x(?<count>\d+)(?<extra>(\+[a-z]+)*)$/u.exec(name)?.groups;
  if (match === undefined) throw new Error(`"${name}" is not RULE:MBxN`);
  const extra = (match['extra'] ?? '').split('+');
  const paths = inputsOf(folder, Number(match['megabytes']), Number(match['count']), extra.includes('adamw'));
  const checksums = extra.includes('trusted') ? 'trusted' : 'verify';
  const type = match['type'] ?? 'plain';
  const environment = { checksums, threads: 2 };
  const request = JSON.stringify({ type, options: {}, paths, output: OUTPUT, environment });
  const once = fileURLToPath(new URL('aggregate-once.mjs', import.meta.url));
  const ours: Sample[] = [];
  const theirs: Sample[] = [];
  for (let turn = 0; turn < runs; turn += 1) {
    ours.push(sample(process.execPath, [once, request]));
    if (type === 'plain') theirs.push(sample(PYTHON, ['-c', REFERENCE, JSON.stringify(paths), OUTPUT]));
  }
  rmSync(OUTPUT);
  const figure = (key: keyof Sample, what: string, unit: string, goal: Figure['goal']): Figure => ({
    what: `${name}: ${what}`,
    value: median(ours.map((each) => each[key])),
    unit,
    ...(theirs.length === 0
      ? {}
      : { rival: { name: 'PyTorch', value: median(theirs.map((each) => each[key])) } }),
    ...(goal === undefined ? {} : { goal }),
  });
  report(figure('seconds', 'time', 's', CASES[name]));
  report(figure('cpuSeconds', 'processor time', 's', undefined));
  report(figure('rssMb', 'peak memory', 'MB', RSS_GOAL));
}

export async function measure(context: BenchContext): Promise<void> {
  const { words, quick, note } = context;
  try {
    execFileSync(PYTHON, ['-c', 'import torch'], { stdio: 'ignore' });
  } catch {
    return note('not measured: python3-torch makes the inputs, and it is not installed');
  }
  const cases = words.length > 0 ? words : quick ? QUICK_CASES : Object.keys(CASES);
  for (const name of cases) {
    note(name);
    measureCase(name, context);
  }
}
