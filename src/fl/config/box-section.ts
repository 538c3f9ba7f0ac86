import { z } from 'zod';
import { key } from './key.ts';

/** Where Box's own addresses are replaced, for an emulator. */
const BASE_URLS = z.object({
  api: key(z.url().optional(), "This address replaces that of Box's API.", {
    absent: 'that of Box or of the key file',
    examples: ['http://127.0.0.1:8080'],
  }),
  upload: key(z.url().optional(), "This address replaces that of Box's uploads.", {
    absent: 'that of Box or of the key file',
    examples: ['http://127.0.0.1:8080/upload/api'],
  }),
  oauth2: key(z.url().optional(), "This address replaces that of Box's logins.", {
    absent: 'that of Box or of the key file',
    examples: ['http://127.0.0.1:8080/api/oauth2'],
  }),
});

const RATE_LIMITS = z
  .object({
    calls_per_minute: key(z.int().positive(), 'An account makes at most so many API calls in a minute.', {
      unit: 'calls a minute',
      absent: "a little below Box's own 1,000",
      examples: [500],
    }),
    uploads_per_minute: key(z.int().positive(), 'An account makes at most so many uploads in a minute.', {
      unit: 'uploads a minute',
      absent: "a little below Box's own 240",
      examples: [120],
    }),
  })
  .partial();

const isInnerPath = (value: string) =>
  value !== '' && value.split('/').every((part) => part !== '' && part !== '.' && part !== '..');

/** The same for JSON Schema: folder names between single slashes, none of them `.` or `..`; slashes around it do no harm. */
const INNER_PATH_PATTERN = '^/*(?!\\.{1,2}(/|$))[^/]+(/(?!\\.{1,2}(/|$))[^/]+)*/*$';

/** A folder inside the shared one: no way out of it, no empty parts. */
const innerPath = z
  .string()
  .min(1)
  .transform((value) => value.replace(/^\/+|\/+$/g, ''))
  .refine(isInnerPath, 'a path of folder names separated by /');

/** How `box_configuration_path` begins when a variable holds the key. */
export const KEY_VARIABLE = /^env:([A-Za-z_]\w*)$/;
/** What stands in `box_configuration_path` when the key comes through standard input. */
export const KEY_INPUT = '-';

/** Whether a place begins as that of a variable does, and names none. */
export const isMisnamedVariable = (place: string): boolean =>
  place.startsWith('env:') && !KEY_VARIABLE.test(place);

const keyPlace = z
  .string()
  .min(1)
  .refine(
    (value) => !isMisnamedVariable(value),
    'env: and the name of a variable, such as env:BOX_CONFIG_JSON, is expected (a file of such a name is ./env:...)',
  );

const serverAccount = z
  .string()
  .min(1)
  .refine(
    (value) => !value.includes('@'),
    'the id or the name of the account, not its login: `mila-sync ls --json` tells both of who made a file',
  );

/** `box_configuration`, of either side. */
export const BOX_SECTION = z.object({
  box_configuration_path: key(
    keyPlace.optional(),
    "This is where the key of the Box application is: the path of the JSON file that Box's developer console downloads, env:NAME for the variable that holds that file's content, or - to read the content once from standard input.",
    {
      absent: 'needed for a mount and for `mila-sync doctor` and `setup`',
      examples: ['box-key.json', 'env:BOX_CONFIG_JSON', '-'],
      pattern: '^(?!env:)|^env:[A-Za-z_]\\w*$',
    },
  ),
  shared_dir_name: key(
    innerPath,
    'This is the name of the shared folder in Box that all participants can open.',
    {
      title: 'Shared folder in Box',
      examples: ['kmol folder'],
      pattern: INNER_PATH_PATTERN,
    },
  ),
  save_path: key(
    innerPath,
    "This is the session's folder inside the shared folder in Box, the same for all participants; it is not the top-level save_path, which keeps a participant's own results on its own disk.",
    { title: "Session's folder in Box", examples: ['jwt/test_run'], pattern: INNER_PATH_PATTERN },
  ),
  group_name: key(
    z.string().min(1).optional(),
    'This is the group in Box whose members can open the shared folder; a client joins it at its first start.',
    { absent: 'no group', examples: ['kmol group'] },
  ),
  account: key(
    z.enum(['app_user', 'service_account']).default('app_user'),
    "A client works in this account: app_user is one that the server's application keeps for the client, service_account is that of an application of the client's own.",
  ),
  server_account: key(
    serverAccount.optional(),
    'A client heeds files of the server only from this account, named by its id or its name.',
    {
      absent: 'the account that made the run folder',
      examples: ['12345678901'],
      pattern: '^[^@]+$',
    },
  ),
  mount_path: key(
    z.string().min(1).optional(),
    'The mount keeps the shared folder in this folder of this machine.',
    { absent: 'data/box/server, or data/box/ and the name of the client', examples: ['/data/federation'] },
  ),
  base_urls: key(BASE_URLS.optional(), "These addresses replace those of Box's services.", {
    absent: 'those of Box or of the key file',
  }),
  least_privilege: key(
    z.boolean().default(false),
    'A mount works with tokens that open its folder only; where Box refuses one, it says so and goes on with the full one.',
  ),
  monthly_api_quota: key(
    z.int().positive().optional(),
    'The Box plan allows so many API calls a month; `mila-sync status` tells the share of this mount.',
    { unit: 'calls a month', absent: 'no share is told', examples: [50_000] },
  ),
  rate_limits: key(RATE_LIMITS.optional(), 'Box has agreed on these limits for each account.', {
    absent: "Box's own limits",
  }),
});

export type BoxSection = z.infer<typeof BOX_SECTION>;

export const BASE_URL_KEYS: readonly string[] = Object.keys(BASE_URLS.shape);
export const RATE_LIMIT_KEYS: readonly string[] = Object.keys(RATE_LIMITS.shape);
export const BOX_KEYS: readonly string[] = Object.keys(BOX_SECTION.shape);
