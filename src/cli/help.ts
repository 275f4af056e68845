import {Help} from '@oclif/core';
import {findAppScript} from './app-script.ts';

/** The help of the tool as a whole lists every command, not topics, and says who answers what the tool does not know. oclif uses it; see package.json. */
export default class ToolHelp extends Help {
  protected override showRootHelp(): Promise<void> {
    this.log(this.formatRoot());
    this.log('');
    this.log(this.formatCommands(this.sortedCommands));
    this.log('');
    this.showApp();
    return Promise.resolve();
  }

  private showApp(): void {
    const script = findAppScript(process.env);
    if (!script) return;
    this.log(this.section('THE APP', `Every other command goes to the app's own script, ${script.path}${script.isThere ? '' : ', which is not there any more'}: see timetiles up, logs, update and the like with it.`));
    this.log('');
  }
}
