import { EMULATOR_KEY_FILE, SHARED_DIRECTORY } from '../rehearsal/local-federation.ts';
import type { FederationChoice, Transport } from './federation-choice.ts';
import { BOX_KEY_FILE, CERTIFICATES, ROOT_CERTIFICATE } from './starter-configurations.ts';

/** A list of file names as a sentence has it. */
function listed(names: readonly string[]): string {
  const quoted = names.map((name) => `\`${name}\``);
  const last = quoted.pop() ?? '';
  return quoted.length === 0 ? last : `${quoted.join(', ')} and ${last}`;
}

const fenced = (...lines: readonly string[]) => ['```', ...lines, '```'].join('\n');

function filesTable({ participants, trainer }: FederationChoice): string {
  const rows = [
    ['server.json', 'the server: how many rounds, how models are averaged'],
    ...participants.map((name) => [`${name}.json`, `the client of ${name}`]),
    ['task.json', 'what every site trains alike; the server hands it out'],
    ...(trainer === 'pytorch'
      ? [['train.py', 'the training program: put your data and your model here']]
      : []),
  ];
  return [
    '| file | what it is for |',
    '|---|---|',
    ...rows.map(([file, use]) => `| \`${file}\` | ${use} |`),
  ].join('\n');
}

/** Paragraphs and blocks of code, with an empty line between. */
const paragraphs = (...parts: readonly string[]) => parts.join('\n\n');

/** What each site types, and what it needs besides. */
const AT_SITES: Readonly<Record<Transport, (participants: readonly string[]) => string>> = {
  box: ([first]) =>
    paragraphs(
      `Each site gets its own file, \`${BOX_KEY_FILE}\` and the training program, and types in a folder of its own:`,
      fenced(`mila client ${first}.json --mount`),
      'The server:',
      fenced('mila server server.json --mount'),
      'Each of the two keeps a copy of the shared folder below `data/box`, and goes on where it was when it is started\nagain.',
    ),
  grpc: (participants) =>
    paragraphs(
      'Put the address under which the sites reach the server into `target` of every file, and make the certificates:',
      fenced(
        `mila certificates -o ${CERTIFICATES} --host server.example.org ${participants.map((name) => `--client ${name}`).join(' ')}`,
      ),
      `Each site gets its own file, \`${ROOT_CERTIFICATE}\`, its own \`.crt\` and \`.key\`, and the training program:`,
      fenced(`mila client ${participants[0]}.json`),
      'The server:',
      fenced('mila server server.json'),
    ),
  dir: ([first]) =>
    paragraphs(
      `Each site gets its own file and the training program. All see one folder, here called \`${SHARED_DIRECTORY}\`:`,
      fenced(`mila client ${first}.json --dir ${SHARED_DIRECTORY}`),
      'The server:',
      fenced(`mila server server.json --dir ${SHARED_DIRECTORY}`),
    ),
};

function towardsBox({ participants }: FederationChoice): string {
  const names = participants.map((name) => `--participant ${name}`).join(' ');
  return [
    'A Box administrator makes an app for the federation once; `mila-sync doctor` says which step is missing, where to',
    `click, and who may. Its key file goes beside these files as \`${BOX_KEY_FILE}\`; name it in every file in place of`,
    `\`${EMULATOR_KEY_FILE}\`:`,
    '',
    fenced(
      `sed -i.bak s/${EMULATOR_KEY_FILE}/${BOX_KEY_FILE}/ server.json ${participants.map((name) => `${name}.json`).join(' ')}`,
      `mila-sync setup server.json ${names}`,
      'mila-sync doctor server.json',
    ),
  ].join('\n');
}

function trainingSection({ trainer }: FederationChoice): string {
  if (trainer === 'kmol')
    return 'Put your kMoL configuration into `task.json`; each site gives what is its own, such as the path of its data, in\n`model_overwrites` of its file.';
  if (trainer === 'digits')
    return 'The built-in trainer needs no Python and no data: it is for trying the programs. For a model of your own, make\na directory with `mila init DIR --program pytorch`.';
  return [
    '`train.py` trains on made-up numbers until you put your own into `load_data`. It is started once a round with four',
    'words: the task as a JSON file, the average of the round before (empty in the first), a folder for the result, and',
    'the name of the site. It leaves `{"model": model.state_dict()}` in that folder. Values that differ from site to site,',
    "such as a path, go into `model_overwrites` of the site's file; the program finds them in the task.",
  ].join('\n');
}

/** The README of a new federation: what the files are, the next three commands, and the way to the real sites. */
export function starterReadme(choice: FederationChoice): string {
  const rehearsal = choice.transport !== 'box' || choice.emulator;
  const names = choice.participants.map((name) => `--participant ${name}`).join(' ');
  const next = rehearsal
    ? ['mila up .', 'mila-sync inspect RUN_FOLDER --html report.html', 'mila config check server.json']
    : [`mila-sync setup server.json ${names}`, 'mila-sync doctor server.json', 'mila up .'];
  return [
    '# A federation',
    '',
    `A server and the sites ${listed(choice.participants)} train one model together. Nobody sees another site's data.`,
    '',
    filesTable(choice),
    '',
    '## Next',
    '',
    'In this directory:',
    '',
    fenced(...next),
    '',
    rehearsal
      ? '`mila up` runs the server and every site on this machine, each as a program of its own, and tells at the end\nwhere the run folder is, which the second command explains.'
      : `The first needs \`${BOX_KEY_FILE}\`, the key file of the app that a Box administrator makes; the second checks all of\nthat set-up; the third runs the server and every site on this machine, through Box, as a rehearsal.`,
    '',
    '## Your own model',
    '',
    trainingSection(choice),
    '',
    ...(choice.emulator ? ['## With a real Box', '', towardsBox(choice), ''] : []),
    '## At the real sites',
    '',
    AT_SITES[choice.transport](choice.participants),
    '',
  ].join('\n');
}
