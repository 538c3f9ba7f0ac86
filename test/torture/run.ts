/**
 * Let befall real mounts what befalls real machines, while people write:
 * `npm run torture -- --mounts 5 --files 10000 --seconds 120 --large-mib 1024`.
 * Ends with 1 when anything was lost or the sides differ; the line that it prints first repeats what people do and what
 * befalls the mounts.
 */
import { parseArgs } from 'node:util';
import { POWERS, type PowerName } from './power.ts';
import { torture } from './torture.ts';

const { values } = parseArgs({
  options: {
    mounts: { type: 'string', default: '2' },
    files: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '30' },
    'large-mib': { type: 'string', default: '0' },
    powers: { type: 'string', default: POWERS.join(',') },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const powers = values.powers.split(',').filter((name) => name !== '');
const unknown = powers.filter((name) => !POWERS.includes(name as PowerName));
if (unknown.length > 0) {
  console.error(`no power is called ${unknown.join(', ')}; there are ${POWERS.join(', ')}`);
  process.exit(2);
}
const words = Object.entries(values).map(([name, value]) => `--${name} ${value}`);
console.log(`npm run torture -- ${words.join(' ')}`);
const outcome = await torture({
  mounts: Number(values.mounts),
  files: Number(values.files),
  seconds: Number(values.seconds),
  largeMib: Number(values['large-mib']),
  seed: Number(values.seed),
  powers: POWERS.filter((name) => powers.includes(name)),
  say: (text) => console.log(text),
});
for (const fault of outcome.faults.slice(0, 20)) console.log(fault);
console.log(JSON.stringify({ ...outcome, faults: outcome.faults.length }));
process.exitCode = outcome.faults.length > 0 ? 1 : 0;
