/**
 * Kill real mounts while people write: `npm run torture -- --mounts 5 --files 10000 --seconds 120 --large-mib 1024`.
 * Ends with 1 when anything was lost or the sides differ; the seed repeats what people and the killer do.
 */
import { parseArgs } from 'node:util';
import { torture } from './torture.ts';

const { values } = parseArgs({
  options: {
    mounts: { type: 'string', default: '2' },
    files: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '30' },
    'large-mib': { type: 'string', default: '0' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
console.log(`seed ${values.seed}`);
const outcome = await torture({
  mounts: Number(values.mounts),
  files: Number(values.files),
  seconds: Number(values.seconds),
  largeMib: Number(values['large-mib']),
  seed: Number(values.seed),
  say: (text) => console.log(text),
});
for (const fault of outcome.faults.slice(0, 20)) console.log(fault);
console.log(JSON.stringify({ ...outcome, faults: outcome.faults.length }));
process.exitCode = outcome.faults.length > 0 ? 1 : 0;
