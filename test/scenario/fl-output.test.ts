import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { openPlainWorkdir } from '../../src/fl/transport/plain-workdir.ts';
import { silentLogger } from '../../src/logger.ts';
import { ONE_ROUND, Playground } from '../support/federation.ts';
import { startProgram } from '../support/programs.ts';

let playground: Playground;
beforeEach(async () => {
  playground = await Playground.open();
});
afterEach(() => playground.close());

/** One round of the real client, with a training of these lines of JavaScript, at a server of this process. */
async function takePart(source: string, ...flags: readonly string[]) {
  const { root, shared } = playground;
  const configuration = {
    name: 'site_a',
    client_type: 'mila.services.clients.BoxClient',
    box_configuration: { shared_dir_name: 'shared', save_path: 'run' },
    save_path: join(root, 'site_a'),
    heartbeat_frequency: 1,
    // The server of this test averages numbers and not models.
    upload: 'whole',
    executor_type: 'mila.executors.Command',
    executor_options: { command: [process.execPath, '-e', source, '--', '{output}'] },
  };
  await writeFile(join(root, 'client.json'), JSON.stringify(configuration));
  const park = new AbortController();
  const workdir = await openPlainWorkdir({
    root: join(shared, 'run'),
    clock: systemClock(),
    logger: silentLogger,
    safetyPollMs: 100,
  });
  const settings = ONE_ROUND;
  const server = playground.server({ settings, workdir, park: park.signal });
  const client = startProgram('mila', ['client', join(root, 'client.json'), '--dir', root, ...flags]);
  const exitCode = await client.ended;
  park.abort();
  const { run } = await server;
  return {
    exitCode,
    said: client.stderr(),
    log: await readFile(join(root, 'site_a', 'site_a.log'), 'utf8'),
    output: join(root, 'site_a', run, 'site_a', 'round_1', 'training.round_1.log'),
  };
}

const TRAINING = `console.log('epoch 1'); require('fs').writeFileSync(process.argv[1] + '/model.pt', '1')`;

it("names the file with a training's output in the client's log, and with --verbose on the terminal", async () => {
  const { exitCode, said, log, output } = await takePart(TRAINING, '--verbose');
  expect(exitCode).toBe(0);
  expect(await readFile(output, 'utf8')).toBe('epoch 1\n');
  const lines = log.split('\n').filter((line) => line.includes('"event":"training-output"'));
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ round: 1, path: output }]);
  expect(said).toContain(`the output of training round 1 goes to ${output}`);
});

it('names that file of the first round to everybody, who may have to look into it for days', async () => {
  const { exitCode, said } = await takePart(TRAINING);
  expect(exitCode).toBe(0);
  expect(said.match(/the output of training round \d goes to/gu)).toHaveLength(1);
});

it('tells how far a program has come, by its own word, and what it wrote last', async () => {
  const { log } = await takePart(
    `const fs = require('fs'); console.log('epoch 1'); console.log('{"fraction": 0.25, "metrics": {"loss": 0.5}}');
     fs.writeFileSync(process.argv[1] + '/model.pt', '1')`,
  );
  const told = log.split('\n').filter((line) => line.includes('"event":"training"'));
  expect(told.map((line) => JSON.parse(line))).toContainEqual(
    expect.objectContaining({ round: 1, fraction: 0.25, metrics: { loss: 0.5 }, line: 'epoch 1' }),
  );
});

it.each([
  ['fails', `console.log('epoch 1'); console.error('no such GPU'); process.exit(3)`, /exit code 3/],
  ['leaves no checkpoint', `console.log('epoch 1'); console.error('no such GPU')`, /wrote no checkpoint/],
])(
  "shows the last lines of a training that %s in the client's log and on the terminal",
  async (_, source, why) => {
    const { exitCode, said, log, output } = await takePart(source);
    expect(exitCode).toBe(6);
    const failed = log.split('\n').find((line) => line.includes('"event":"training-failed"')) ?? '{}';
    expect(JSON.parse(failed)).toMatchObject({
      message: expect.stringMatching(why),
      output,
    });
    expect(JSON.parse(failed).message).toContain('its last words:\nepoch 1\nno such GPU');
    expect(said).toMatch(why);
    expect(said).toMatch(/\n {11}\| epoch 1\n {11}\| no such GPU/);
    expect(said).toContain(`all of its output is in ${output}`);
    expect(said.match(/no such GPU/gu)).toHaveLength(1);
    expect(said.match(why)).not.toBeNull();
    expect(said.split('\n').filter((line) => why.test(line))).toHaveLength(2);
  },
);
