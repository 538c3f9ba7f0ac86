// Judges what `mila demo --json` printed: the federation must have been worth it, and all its files must be there.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ACCURACY_MIN = 0.85;
const SECONDS_MAX = 120;

const [file] = process.argv.slice(2);
const result = JSON.parse(readFileSync(file, 'utf8'));
const faults = [];
const expect = (holds, words) => {
  if (!holds) faults.push(words);
};

const last = result.rounds.at(-1);
const aggregates = result.rounds.map((round) => round.aggregate);
const worst = Math.min(...Object.values(last.clients));
expect(
  last.aggregate > worst,
  `the final aggregate (${last.aggregate}) is not better than the worst client (${worst})`,
);
expect(last.aggregate > ACCURACY_MIN, `the final aggregate (${last.aggregate}) is not above ${ACCURACY_MIN}`);
expect(
  aggregates.every((value, index) => index === 0 || value > aggregates[index - 1]),
  `the aggregate's accuracy does not rise over the rounds: ${aggregates.join(', ')}`,
);
expect(result.seconds < SECONDS_MAX, `the demo took ${result.seconds} s, more than ${SECONDS_MAX}`);

const clients = Object.keys(last.clients);
const wanted = [
  'cfg.json',
  'server_ended.txt',
  'rounds/round_1/no_starting_model.info',
  ...clients.map((name) => `authentications/${name}_authentication.txt`),
  ...result.rounds.flatMap(({ round }) => clients.map((name) => `rounds/round_${round}/${name}.pt`)),
  ...result.rounds.map(({ round }) => `rounds/round_${round + 1}/server.agg`),
];
for (const path of wanted)
  expect(existsSync(join(result.run_folder, path)), `${path} is missing in the run folder`);
const finalRound = readdirSync(join(result.run_folder, 'rounds', `round_${result.rounds.length + 1}`));
expect(
  finalRound.join() === 'server.agg',
  `the last round folder holds more than the final aggregate: ${finalRound.join(', ')}`,
);
for (const name of clients) {
  const text = readFileSync(join(result.run_folder, 'authentications', `${name}_authentication.txt`), 'utf8');
  expect(
    /^Authenticated - Token \d+$/.test(text),
    `${name} was not authenticated in the documented words: ${text}`,
  );
}
const ended = readFileSync(join(result.run_folder, 'server_ended.txt'), 'utf8');
expect(/^Training finished \d+\.\d+$/.test(ended), `server_ended.txt is not as documented: ${ended}`);

for (const fault of faults) console.error(`demo: ${fault}`);
console.log(
  `demo: aggregate ${aggregates.join(' -> ')}, worst client ${worst}, ${result.api_calls.total} API calls, ${result.seconds} s`,
);
process.exit(faults.length === 0 ? 0 : 1);
