import { RejectedError } from '../../../errors.ts';

/** What an error answer says besides its status. */
export interface RefusalBody {
  readonly code: string;
  readonly message: string;
  readonly contextInfo?: Readonly<Record<string, unknown>>;
}

/** A request that is answered with an error in Box's shape; translated to bytes by the HTTP border alone. */
export class Refusal extends RejectedError {
  readonly status: number;
  /** Null where Box answers with an empty body. */
  readonly body: RefusalBody | Readonly<{ oauth: Readonly<Record<string, string>> }> | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: Refusal['body'], headers: Readonly<Record<string, string>> = {}) {
    const code =
      body === null ? `status-${status}` : 'code' in body ? body.code : (body.oauth['error'] ?? 'oauth');
    super({ code, message: body !== null && 'message' in body ? body.message : code });
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** The reason that Box gives for one wrong parameter. */
export interface ParameterError {
  readonly reason: 'missing_parameter' | 'invalid_parameter';
  readonly name: string;
  readonly message: string;
}

/** 400 for parameters that are missing or make no sense. */
export function badRequest(...errors: readonly ParameterError[]): Refusal {
  return new Refusal(400, { code: 'bad_request', message: 'Bad Request', contextInfo: { errors } });
}

/** 400 for one parameter that is required and was not given. */
export function missingParameter(name: string): Refusal {
  return badRequest({ reason: 'missing_parameter', name, message: `'${name}' is required` });
}

/** 400 for one invalid parameter. */
export function invalidParameter(name: string, message: string): Refusal {
  return badRequest({ reason: 'invalid_parameter', name, message });
}

/** 404: what is missing and what the caller may not see look alike. */
export function notFound(name: string, value: string | number): Refusal {
  const message = `Invalid value '${value}'. '${name}' with value '${value}' not found`;
  return new Refusal(404, {
    code: 'not_found',
    message: 'Not Found',
    contextInfo: { errors: [{ reason: 'invalid_parameter', name, message }] },
  });
}

/** 403: the caller sees the item, but his role is too weak. */
export function forbidden(): Refusal {
  return new Refusal(403, {
    code: 'access_denied_insufficient_permissions',
    message: 'Access denied - insufficient permission',
  });
}

/** 403: the token lacks a scope. */
export function insufficientScope(): Refusal {
  return new Refusal(
    403,
    {
      code: 'insufficient_scope',
      message: 'The request requires higher privileges than provided by the access token.',
    },
    {
      'www-authenticate':
        'Bearer realm="Service", error="insufficient_scope", error_description="The request requires higher privileges than provided by the access token."',
    },
  );
}

/** 401 with an empty body; the header tells an expired token from an unknown one. */
export function unauthorized(kind: 'missing' | 'invalid_token' | 'expired_token'): Refusal {
  const header =
    kind === 'missing'
      ? 'Bearer realm="Service"'
      : `Bearer realm="Service", error="${kind}", error_description="The access token provided is ${kind === 'expired_token' ? 'expired' : 'invalid'}."`;
  return new Refusal(401, null, { 'www-authenticate': header });
}

/** An error with a code of its own. */
export function refuse(
  status: number,
  code: string,
  message: string,
  contextInfo?: Readonly<Record<string, unknown>>,
): Refusal {
  return new Refusal(status, contextInfo === undefined ? { code, message } : { code, message, contextInfo });
}

/** 409: the name is taken. Folder creation lists what stands in the way, everything else gives one object. */
export function nameInUse(conflicts: unknown): Refusal {
  return refuse(409, 'item_name_in_use', 'Item with the same name already exists', { conflicts });
}

/** 400: a folder would come to stand within itself. */
export function cyclical(): Refusal {
  return refuse(400, 'cyclical_folder_structure', 'Folder move creates cyclical folder structure');
}

/** 409: a value that is to be unique is taken. */
export function valueInUse(name: string): Refusal {
  const message = `The ${name} is already in use`;
  return refuse(409, 'conflict', 'A resource with this value already exists', {
    errors: [{ reason: 'invalid_parameter', name, message }],
  });
}

/** 403: larger than the owner's plan allows. */
export function fileTooLarge(): Refusal {
  return refuse(403, 'file_size_limit_exceeded', 'File size exceeds the folder owner’s file size limit');
}

/** 412: the caller's If-Match no longer holds. */
export function preconditionFailed(): Refusal {
  return refuse(
    412,
    'precondition_failed',
    'The resource has been modified. Please retrieve the resource again and retry',
  );
}

/** A token endpoint's error: OAuth's own two fields, status 400. */
export function oauthError(error: string, description: string, status = 400): Refusal {
  return new Refusal(status, { oauth: { error, error_description: description } });
}
