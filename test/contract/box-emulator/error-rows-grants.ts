import { type ErrorRow, type World, withApp } from './world.ts';

const exchange = ({ rig }: World, fields: Readonly<Record<string, string>>) =>
  rig.form({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    ...fields,
  });

/** Client credentials, for an app that may use them. */
const credentials = (world: World, fields: Readonly<Record<string, string>>) => {
  const { clientID, clientSecret } = world.rig.running.configuration.boxAppSettings;
  const change = (on: boolean) => ({ clientCredentials: on, reauthorise: true });
  return withApp(world, change(true), change(false), () =>
    world.rig.form({
      grant_type: 'client_credentials',
      client_id: clientID,
      client_secret: clientSecret,
      ...fields,
    }),
  );
};

/** Refusals of grants other than an assertion. */
export const GRANT_ROWS: readonly ErrorRow[] = [
  {
    name: 'a grant that this app may not use',
    run: ({ rig }) => {
      const { clientID, clientSecret } = rig.running.configuration.boxAppSettings;
      return rig.form({ grant_type: 'refresh_token', client_id: clientID, client_secret: clientSecret });
    },
    status: 400,
    oauth: 'unauthorized_client',
    message: 'The grant type is unauthorized for this client_id',
  },
  {
    name: 'no grant at all',
    run: ({ rig }) => rig.form({}),
    status: 400,
    oauth: 'invalid_request',
    message: 'Invalid grant_type parameter or parameter missing',
  },
  {
    name: 'a token exchange of an unknown token',
    run: ({ rig }) =>
      rig.form({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: 'unknown',
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        scope: 'item_download',
      }),
    status: 400,
    oauth: 'invalid_grant',
    message: 'subject_token provided is invalid',
  },
  {
    name: 'a token exchange for a scope that there is not',
    run: ({ rig, owner }) =>
      rig.form({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: owner,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        scope: 'everything',
      }),
    status: 400,
    oauth: 'invalid_scope',
  },
  {
    name: 'a grant that there is not',
    run: ({ rig }) => rig.form({ grant_type: 'password' }),
    status: 400,
    oauth: 'invalid_request',
    message: 'Invalid grant_type parameter or parameter missing',
  },
  {
    name: 'client credentials of an app that uses JWT',
    run: ({ rig }) => {
      const { clientID, clientSecret } = rig.running.configuration.boxAppSettings;
      return rig.form({
        grant_type: 'client_credentials',
        client_id: clientID,
        client_secret: clientSecret,
      });
    },
    status: 400,
    oauth: 'unauthorized_client',
    message: 'The grant type is unauthorized for this client_id',
  },
  {
    name: 'client credentials for a subject type that there is not',
    run: (world) => credentials(world, { box_subject_type: 'group', box_subject_id: '1' }),
    status: 400,
    oauth: 'unauthorized_client',
    message: 'The "box_subject_type" value is unauthorized for this client_id',
  },
  {
    name: 'client credentials for another enterprise',
    run: (world) => credentials(world, { box_subject_type: 'enterprise', box_subject_id: '1' }),
    status: 400,
    oauth: 'invalid_grant',
    message: 'Grant credentials are invalid',
  },
  {
    name: 'client credentials for a user who does not exist',
    run: (world) => credentials(world, { box_subject_type: 'user', box_subject_id: '123' }),
    status: 400,
    oauth: 'invalid_grant',
    message: 'Grant credentials are invalid',
  },
  {
    name: 'a token exchange for a scope that the token lacks',
    run: async (world) => {
      const path = `/users/${world.editor.id}/token`;
      const { body } = await world.rig.control('POST', path, { scopes: ['root_readonly'] });
      return exchange(world, { subject_token: body.access_token, scope: 'item_upload' });
    },
    status: 400,
    oauth: 'invalid_scope',
  },
  {
    name: 'a token exchange for an item that the user may not see',
    run: (world) =>
      exchange(world, {
        subject_token: world.stranger.token,
        scope: 'item_download',
        resource: `https://api.box.com/2.0/folders/${world.folder}`,
      }),
    status: 400,
    oauth: 'invalid_resource',
  },
  {
    name: 'a token exchange for a shared link',
    run: (world) =>
      exchange(world, {
        subject_token: world.owner,
        scope: 'item_download',
        box_shared_link: 'https://app.box.com/s/none',
      }),
    status: 400,
    oauth: 'invalid_resource',
  },
  {
    name: 'a token exchange for an item and a shared link',
    run: (world) =>
      exchange(world, {
        subject_token: world.owner,
        scope: 'item_download',
        resource: `https://api.box.com/2.0/folders/${world.folder}`,
        box_shared_link: 'https://app.box.com/s/none',
      }),
    status: 400,
    oauth: 'invalid_request',
  },
  {
    name: 'a revocation by another client',
    run: ({ rig, owner }) =>
      rig.call('POST', '/oauth2/revoke', {
        body: new URLSearchParams({ client_id: 'wrong', client_secret: 'wrong', token: owner }).toString(),
      }),
    status: 400,
    oauth: 'invalid_client',
  },
];
