/** Box's own pages, by what they explain. */
export const LINKS = {
  jwtSetup: 'https://developer.box.com/guides/authentication/jwt/jwt-setup',
  approval: 'https://developer.box.com/guides/authorization/platform-app-approval',
  managingApps: 'https://support.box.com/hc/en-us/articles/360044196653-Managing-platform-apps',
  notEnabled:
    'https://support.box.com/hc/en-us/articles/360044193313-API-Content-Unauthorized-Cannot-authorize-with-this-service',
  scopes: 'https://developer.box.com/guides/api-calls/permissions-and-errors/scopes',
  insufficientPermissions:
    'https://support.box.com/hc/en-us/articles/360043693434-API-Content-API-403-access-denied-insufficient-permissions-Errors',
  userTokens:
    'https://support.box.com/hc/en-us/articles/360044192553-API-JWT-Cannot-Obtain-Token-Based-on-Enterprise-Configuration-for-Your-App',
  asUser: 'https://developer.box.com/guides/authentication/jwt/as-user',
  wrongGrant:
    'https://support.box.com/hc/en-us/articles/360044193033-API-Authentication-The-grant-type-is-unauthorized-for-this-client-id',
  groups: 'https://support.box.com/hc/en-us/articles/360043694554-Creating-and-Managing-Groups',
  collaborations: 'https://developer.box.com/guides/collaborations',
  roles:
    'https://support.box.com/hc/en-us/articles/360044196413-Understanding-Collaborator-Permission-Levels',
  userTypes: 'https://developer.box.com/platform/user-types',
  commonErrors: 'https://developer.box.com/guides/api-calls/permissions-and-errors/common-errors',
  uploads: 'https://developer.box.com/guides/uploads/direct',
  insights: 'https://support.box.com/hc/en-us/articles/20738406915219-Platform-Insights',
  rateLimits: 'https://developer.box.com/guides/api-calls/permissions-and-errors/rate-limits',
} as const;
