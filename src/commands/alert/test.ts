import {BaseCommand} from '../../cli/base-command.ts';
import {renderAlertTest} from '../../cli/render/alert-test.ts';
import {testAlerts} from '../../operations/alert-test.ts';

export default class AlertTest extends BaseCommand {
  static override summary = 'Send a test alert through every channel that is configured.';
  static override description = 'By mail (EMAIL_SMTP_HOST, ALERT_EMAIL), webhook (ALERT_WEBHOOK_URL) and heartbeat (HEARTBEAT_URL: a start and a success); always into alerts.log. For what fails the key to correct is named.\n\nExit codes: 0 everything that is configured works, 1 something does not, 2 wrong usage or configuration.';
  static override examples = ['<%= config.bin %> alert test', '<%= config.bin %> alert test --json'];

  async run(): Promise<unknown> {
    const {flags} = await this.parse(AlertTest);
    return this.perform(flags, async (context) => renderAlertTest(await testAlerts(context)));
  }
}
