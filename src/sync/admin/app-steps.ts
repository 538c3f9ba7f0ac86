import type { Person, Remedy } from './finding.ts';
import { LINKS } from './links.ts';
import { ADMINISTRATORS, ALL, byHand, KEEPER, type Step } from './step.ts';

const DEVELOPER: readonly Person[] = ['developer'];
const YOU: readonly Person[] = ['you'];

/** Box has moved this page several times; all its names are given. */
const APPS_PAGE =
  'Admin Console > Integrations > Platform Apps Manager (older consoles: Apps > Custom Apps Manager) > ' +
  'Server Authentication Apps';
const CONSOLE = 'Developer Console > your app > Configuration';

const NEW_KEY = byHand(
  DEVELOPER,
  `${CONSOLE} > Add and Manage Public Keys > Generate a Public/Private Keypair (two-factor login must be on). ` +
    'A JSON file downloads: name it in box_configuration_path.',
  LINKS.jwtSetup,
);

/** Box goes by what was authorised, not by what is ticked, so every change is authorised again. */
const tick = (what: string, link: string = LINKS.scopes): readonly Remedy[] => [
  byHand(DEVELOPER, `${CONSOLE} > ${what}; Save Changes. Then Authorization > Review and Submit.`, link),
  byHand(
    ADMINISTRATORS,
    `${APPS_PAGE} > the app's "..." menu > Reauthorize App. Until then the old settings stay in force. ` +
      'Programs that run already notice within an hour, or at once when started again.',
    LINKS.approval,
  ),
];

/** From the key file to what the app as a whole may do. */
export const APP_STEPS = {
  'key-file': {
    title: "The app's key file is here and readable",
    needs: [],
    sides: ALL,
    mend: [NEW_KEY],
  },
  passphrase: {
    title: 'The passphrase opens the private key',
    needs: ['key-file'],
    sides: ALL,
    mend: [NEW_KEY],
  },
  reach: {
    title: 'Box can be reached from this machine',
    needs: ['passphrase'],
    sides: ALL,
    mend: [
      byHand(
        YOU,
        'Let this machine make https connections to api.box.com, upload.box.com, dl.boxcloud.com and ' +
          '*.realtime.services.box.net. Behind a proxy, set HTTPS_PROXY; if the proxy opens https, name its ' +
          'certificate in NODE_EXTRA_CA_CERTS.',
        null,
      ),
    ],
  },
  clock: {
    title: "This machine's clock agrees with Box's",
    needs: ['reach'],
    sides: ALL,
    mend: [byHand(YOU, 'Set the clock; on Linux: sudo timedatectl set-ntp true', null)],
  },
  app: {
    title: 'Box knows the app of the key file',
    needs: ['reach'],
    sides: ALL,
    mend: [
      byHand(
        DEVELOPER,
        `${CONSOLE} > OAuth 2.0 Credentials: compare Client ID and Client Secret with the key file. If the secret ` +
          'was reset or the app deleted, download a new key file.',
        LINKS.jwtSetup,
      ),
    ],
  },
  'app-kind': {
    title: 'The app logs in with a key (Server Authentication)',
    needs: ['reach'],
    sides: ALL,
    mend: [
      byHand(
        DEVELOPER,
        'Developer Console > Create New App > Custom App > Server Authentication (with JWT). The kind of an app ' +
          'cannot be changed later, so this is a new app with a new key file.',
        LINKS.wrongGrant,
      ),
    ],
  },
  'key-pair': {
    title: 'Box knows the key pair of the key file',
    needs: ['reach'],
    sides: ALL,
    mend: [NEW_KEY],
  },
  'enterprise-id': {
    title: "The key file's enterprise is the app's",
    needs: ['reach'],
    sides: ALL,
    mend: [
      byHand(
        DEVELOPER,
        'Developer Console > your app > General Settings shows the Enterprise ID: it must be the enterpriseID in ' +
          'the key file. 0 stands for an account without an enterprise, which cannot use such an app.',
        LINKS.jwtSetup,
      ),
    ],
  },
  authorised: {
    title: 'An administrator has authorised the app',
    needs: ['reach'],
    sides: ALL,
    mend: [
      byHand(DEVELOPER, 'Developer Console > your app > Authorization > Review and Submit.', LINKS.approval),
      byHand(ADMINISTRATORS, `${APPS_PAGE} > the app > View > Authorize.`, LINKS.managingApps),
    ],
  },
  login: {
    title: 'Box lets the app log in',
    needs: ['reach'],
    sides: ALL,
    mend: [
      byHand(DEVELOPER, 'Look the message up in the list of errors that Box keeps.', LINKS.commonErrors),
    ],
  },
  enabled: {
    title: 'The app is enabled in the enterprise',
    needs: ['login'],
    sides: ALL,
    mend: [
      byHand(
        ADMINISTRATORS,
        `${APPS_PAGE} > the app > View > Enable. Needed where the setting "Disable unpublished apps by default" is on.`,
        LINKS.notEnabled,
      ),
    ],
  },
  'read-scope': {
    title: 'The app may read files and folders',
    needs: ['enabled'],
    sides: ALL,
    mend: tick('Application Scopes: tick "Read all files and folders stored in Box"'),
  },
  'write-scope': {
    title: 'The app may write files and folders',
    needs: ['read-scope'],
    sides: ALL,
    mend: tick(
      'Application Scopes: tick "Write all files and folders stored in Box" (and have Box take away "Manage Global ' +
        'Content", if the app has it: with that, an app writes nothing in its own name)',
    ),
  },
  'users-scope': {
    title: 'The app may manage users',
    needs: ['enabled'],
    sides: KEEPER,
    mend: tick('Application Scopes: tick "Manage users"'),
  },
  'groups-scope': {
    title: 'The app may manage groups',
    needs: ['enabled'],
    sides: KEEPER,
    mend: tick('Application Scopes: tick "Manage groups"'),
  },
  'access-level': {
    title: 'The app sees the users and groups that take part',
    needs: ['users-scope', 'groups-scope'],
    sides: KEEPER,
    mend: tick('App Access Level: choose "App + Enterprise Access"', LINKS.jwtSetup),
  },
  'user-tokens': {
    title: 'The app may log in for its users',
    needs: ['participants'],
    sides: KEEPER,
    mend: tick('Advanced Features: tick "Generate user access tokens"', LINKS.userTokens),
  },
  'as-user': {
    title: 'The app may act in the name of its users',
    needs: ['participants'],
    sides: KEEPER,
    mend: tick('Advanced Features: tick "Make API calls using the as-user header"', LINKS.asUser),
  },
} as const satisfies Readonly<Record<string, Step>>;
