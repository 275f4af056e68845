import {messageOf} from '../shared/errors.ts';
import {webhookBody, type AlertMessage} from './message.ts';
import {post, type Request} from './request.ts';

/** Posts an alert as JSON; a first failure is tried once more. @throws TimetilesError `alert` */
export async function sendWebhook(address: string, alert: AlertMessage, onRetry: (reason: string) => void): Promise<void> {
  const request: Request = {key: 'ALERT_WEBHOOK_URL', address, contentType: 'application/json', body: JSON.stringify(webhookBody(alert)), limitSeconds: 15};
  try {
    await post(request);
  } catch (error) {
    onRetry(messageOf(error));
    await post(request);
  }
}
