import {post} from './request.ts';

export type Beat = 'start' | 'success' | 'fail';

const bodyLength = 10_000;

/** The address of a ping in the convention of healthchecks.io: `/start`, nothing, `/fail`, before a query. Pure. */
export function heartbeatUrl(address: string, beat: Beat): string {
  const url = new URL(address);
  if (beat !== 'success') url.pathname = `${url.pathname.replace(/\/+$/, '')}/${beat}`;
  return url.href;
}

/** Tells a monitor that waits to be told. @throws TimetilesError `alert` */
export async function sendHeartbeat(address: string, beat: Beat, reason: string): Promise<void> {
  await post({key: 'HEARTBEAT_URL', address: heartbeatUrl(address, beat), contentType: 'text/plain; charset=utf-8', body: reason.slice(0, bodyLength), limitSeconds: 10});
}
