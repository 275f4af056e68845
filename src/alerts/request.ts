import {messageOf, systemCode, TimetilesError} from '../shared/errors.ts';

export interface Request {
  /** The key of the configuration that holds the address. Addresses hold tokens: no error may show one. */
  readonly key: 'ALERT_WEBHOOK_URL' | 'HEARTBEAT_URL';
  readonly address: string;
  readonly contentType: string;
  readonly body: string;
  readonly limitSeconds: number;
}

/** Posts something. @throws TimetilesError `alert` that names the key and the cause, and not the address */
export async function post({key, address, contentType, body, limitSeconds}: Request): Promise<void> {
  const {url, authorization} = withoutLogin(address);
  const headers = {'content-type': contentType, 'user-agent': 'timetiles', ...authorization};
  let status: number;
  try {
    // A redirected POST becomes a GET, which would be no alert and look like one.
    const response = await fetch(url, {method: 'POST', headers, body, redirect: 'manual', signal: AbortSignal.timeout(limitSeconds * 1000)});
    ({status} = response);
    await response.body?.cancel();
  } catch (error) {
    throw new TimetilesError('alert', `${key}: ${whyNot(error, limitSeconds)}`, `See whether the address in ${key} is right and this host reaches it.`);
  }
  if (status >= 200 && status < 300) return;
  const moved = status >= 300 && status < 400;
  throw new TimetilesError('alert', `${key}: the service answered ${status}`, moved ? `The address has moved: set ${key} to the new one.` : `See whether the address in ${key} is complete and still known to the service.`);
}

/** fetch refuses an address with a login in it, and shows it. */
function withoutLogin(address: string): {url: URL; authorization: Record<string, string>} {
  const url = new URL(address);
  const {username, password} = url;
  url.username = '';
  url.password = '';
  if (username === '') return {url, authorization: {}};
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return {url, authorization: {authorization: `Basic ${Buffer.from(login).toString('base64')}`}};
}

function whyNot(error: unknown, limitSeconds: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${limitSeconds} seconds`;
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return systemCode(cause) ?? messageOf(cause);
}
