import {Command, Flags} from '@oclif/core';
import {loadConfiguration} from '../config/load.ts';
import {createContext, type Context} from '../operations/context.ts';
import {systemClock} from '../shared/clock.ts';
import {causeOf, exitCodes, TimetilesError, toTimetilesError} from '../shared/errors.ts';
import type {LogFormat} from '../shared/line-log.ts';
import {printableLines} from '../shared/printable.ts';
import {createRedactor} from '../shared/redact.ts';
import {settingLine} from '../config/setting-line.ts';
import {nearestFlag} from './did-you-mean.ts';
import {createRunLog, type RunLog} from './run-log.ts';
import {abortOnSignals} from './signals.ts';

export {exitCodeHelp} from '../shared/errors.ts';

/** What a command gives back: the same result for people and for programs. */
export interface Rendered {
  readonly text: string;
  readonly json: unknown;
  readonly exitCode?: number;
  /** It is made of what holds no secret, and is to be used as it is: a password that is also a word must not blank that word. */
  readonly verbatim?: boolean;
}

/** The flags of every command that loads the configuration. */
export interface GlobalFlags {
  config?: string | undefined;
  quiet: boolean;
  'log-format': LogFormat;
}

/** What all commands share: flags, configuration, signals, and the one place where an error becomes words and an exit code. */
export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true;
  static override baseFlags = {
    config: Flags.string({helpValue: 'FILE', description: 'read this file instead of bootstrap.conf and .env.production', helpGroup: 'GLOBAL'}),
    quiet: Flags.boolean({description: 'print warnings, errors and the result alone', helpGroup: 'GLOBAL'}),
    'log-format': Flags.option({options: ['text', 'json'] as const, default: 'text', helpValue: 'text|json', description: 'of the log file; json also makes every line on stderr a JSON object', helpGroup: 'GLOBAL'})(),
  };

  private redact: (text: string) => string = (text) => text;
  private runLog: RunLog | undefined;

  /**
   * Loads the configuration, runs the operation, and prints its result.
   * @param settings what the command line gives beyond files and environment
   */
  protected async perform(flags: GlobalFlags, work: (context: Context) => Promise<Rendered>, settings: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const configuration = loadConfiguration({file: flags.config, environment: {...process.env, ...settings}});
    this.redact = createRedactor(configuration.secrets);
    const log = createRunLog({
      stream: process.stderr,
      directory: configuration.settings.LOG_DIR,
      format: flags['log-format'],
      quiet: flags.quiet,
      debug: Boolean(process.env['TIMETILES_DEBUG']),
      redact: this.redact,
      clock: systemClock,
      title: `timetiles ${this.config.version} ${(this.id ?? '').replaceAll(':', ' ')}`,
    });
    this.runLog = log;
    const signals = abortOnSignals((text) => log.warn(text));
    try {
      const context = createContext({toolVersion: this.config.version, configuration, environment: process.env, log, clock: systemClock, signal: signals.signal});
      const rendered = await work(context);
      log.close();
      const document = this.show(rendered);
      log.ended(rendered.exitCode ?? exitCodes.done);
      return document;
    } catch (error) {
      throw causeOf(error, signals.signal);
    } finally {
      log.close();
      signals.release();
    }
  }

  /** Prints a result and hands back its document. Commands that look at the configuration itself call it at once, since it may be no good. */
  protected show(rendered: Rendered): unknown {
    if (!this.jsonEnabled() && rendered.text !== '') process.stdout.write(`${rendered.verbatim === true ? rendered.text : printableLines(this.redact(rendered.text))}\n`);
    process.exitCode = rendered.exitCode ?? exitCodes.done;
    return rendered.json;
  }

  protected override async catch(thrown: Error): Promise<void> {
    const error = toExpected(thrown, this.id ?? '', this.ctor);
    if (error === undefined) {
      await super.catch(thrown);
      return;
    }
    process.exitCode = error.exitCode;
    const text = `${error.message}\n${error.next}`;
    if (this.runLog) this.runLog.error(text, {inDocument: this.jsonEnabled()});
    else if (!this.jsonEnabled()) process.stderr.write(`${printableLines(this.redact(`Error: ${text}`))}\n`);
    if (this.jsonEnabled()) this.logJson(this.toErrorJson(error));
    this.runLog?.ended(error.exitCode);
    if (process.env['TIMETILES_DEBUG']) process.stderr.write(`${this.redact(String(thrown.stack))}\n`);
  }

  protected override toErrorJson(thrown: unknown): unknown {
    const error = toExpected(thrown, this.id ?? '', this.ctor);
    if (error === undefined) return super.toErrorJson(thrown);
    const candidates = error.candidates.map(({key, value, description}) => ({line: this.redact(settingLine(key, value)), description: this.redact(description)}));
    return {error: {kind: error.kind, message: this.redact(error.message), next: this.redact(error.next), ...(candidates.length > 0 && {candidates})}};
  }
}

/** Everything that can be thrown, as an error with kind, exit code and next step; undefined for oclif's own ways to end, such as --help. */
function toExpected(thrown: unknown, id: string, {flags, baseFlags, usage}: Pick<typeof Command, 'flags' | 'baseFlags' | 'usage'>): TimetilesError | undefined {
  if (thrown instanceof TimetilesError) return thrown;
  if (thrown instanceof Error && 'oclif' in thrown) {
    const {oclif} = thrown;
    if (typeof oclif === 'object' && oclif !== null && 'exit' in oclif && oclif.exit === 0) return undefined;
    const [message = ''] = thrown.message.split('\nSee more help');
    // oclif gives every flag a value, also one that takes none.
    const text = message.replace(/^The following errors? occurred:/, '').replace(/\s*\n\s*/g, ' ').replaceAll(/(--[\w-]+)=true(?= cannot)/g, '$1').trim();
    const [, unknown] = /^Nonexistent flags?: ([^\s,]+)/.exec(text) ?? [];
    const near = unknown === undefined ? undefined : nearestFlag(unknown, Object.keys({...baseFlags, ...flags, json: true, help: true}), String(usage ?? ''));
    return new TimetilesError('usage', text, `${near === undefined ? '' : `Did you mean ${near}? `}See timetiles ${id.replaceAll(':', ' ')} --help`, {cause: thrown});
  }
  return toTimetilesError(thrown);
}
