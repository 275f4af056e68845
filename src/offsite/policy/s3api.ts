import {shellWord} from '../../shared/format.ts';
import type {PolicyText} from './types.ts';

export interface S3apiRequest {
  readonly bucket: string;
  /** The host for `--endpoint-url`; Amazon's own needs none. */
  readonly host?: string;
  readonly who: string;
  readonly withLock: boolean;
  readonly withPolicy: boolean;
}

/** The printed documents, put into force with Amazon's command line tool. */
export function s3apiCommands({bucket, host, who, withLock, withPolicy}: S3apiRequest): PolicyText {
  const command = (verb: string, rest: string) => `aws ${host === undefined ? '' : `--endpoint-url ${shellWord(`https://${host}`)} `}s3api ${verb} --bucket ${shellWord(bucket)} ${rest}`;
  const lines = [
    command('put-bucket-versioning', '--versioning-configuration Status=Enabled'),
    ...(withLock ? [command('put-object-lock-configuration', '--object-lock-configuration file://lock.json')] : []),
    command('put-bucket-lifecycle-configuration', '--lifecycle-configuration file://lifecycle.json'),
    ...(withPolicy ? [command('put-bucket-policy', '--policy file://bucket-policy.json')] : []),
  ];
  return {title: `Commands, ${who} and not on the server`, format: 'commands', text: lines.join('\n')};
}
