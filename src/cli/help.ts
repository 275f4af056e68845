import {Help} from '@oclif/core';
import {findAppScript} from './app-script.ts';

/** The help of the tool as a whole also says who answers what it does not know. oclif uses it; see package.json. */
export default class ToolHelp extends Help {
  protected override async showRootHelp(): Promise<void> {
    await super.showRootHelp();
    const script = findAppScript(process.env);
    if (!script) return;
    this.log(this.section('THE APP', `Every other command goes to the app's own script, ${script.path}${script.isThere ? '' : ', which is not there any more'}: see timetiles up, logs, update and the like with it.`));
    this.log('');
  }
}
