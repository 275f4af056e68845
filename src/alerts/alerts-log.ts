import {appendFile, mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import type {Clock} from '../shared/clock.ts';

export interface Alert {
  /** What happened, in one word of this tool's error kinds. */
  readonly kind: string;
  readonly message: string;
  /** What the operator should do. */
  readonly next: string;
}

export interface AlertPlace {
  readonly clock: Clock;
  readonly configuration: {readonly home: string};
}

/** Appends a line of JSON to `alerts.log` in the installation directory, mode 0600. No alert may hold a secret. */
export async function appendAlert({clock, configuration}: AlertPlace, alert: Alert): Promise<void> {
  await mkdir(configuration.home, {recursive: true, mode: 0o700});
  await appendFile(join(configuration.home, 'alerts.log'), `${JSON.stringify({time: clock.now().toISOString(), ...alert})}\n`, {mode: 0o600});
}
