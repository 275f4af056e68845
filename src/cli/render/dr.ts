import {describeDrPlan, type DrPlan, type DrPlanOptions} from '../../operations/dr-plan.ts';
import type {DrReport} from '../../operations/dr.ts';
import {exitCodes} from '../../shared/errors.ts';
import {formatSeconds, shellWord} from '../../shared/format.ts';
import type {Rendered} from '../base-command.ts';

/** Where the settings are to be written. */
export interface DrPlace {
  readonly configFile: string;
}

export function renderDr(report: DrReport, {configFile}: DrPlace): Rendered {
  const {state, set, host, restored, failures, proofs, safetySet, restarted, made, remarks, settings, stack, times} = report;
  const checks = proofs.flatMap(({source, checks: all}) => all.map((check) => ({source, ...check})));
  const lines = [
    state === 'done' ? `Recovered ${restored.join(' and ')} of ${host} from set ${set} in ${formatSeconds(times.total)}, and checked it.` : `NOT everything of ${host} came back from set ${set}:`,
    ...failures.flatMap(({source, message, next}) => [`  ${source}: failed: ${message}`, `      ${next}`]),
    ...(state === 'failed' && restored.length > 0 ? [`  ${restored.join(' and ')}: restored`] : []),
    'Checks:',
    ...checks.map(({source, name, state: result, detail}) => `  ${source.padEnd(8)} ${name.padEnd(12)} ${result.padEnd(8)} ${detail}`),
    `Times: find ${seconds(times.find)}, prepare ${seconds(times.prepare)}, stage ${seconds(times.stage)}, swap ${seconds(times.swap)}, checks ${seconds(times.checks)}, start ${seconds(times.start)}`,
    ...section('Made or started:', made.map(inThePast)),
    ...section('To know:', remarks),
    ...section(`For ${configFile}, what the manifest knows and it does not:`, settings),
    ...section('How the stack was set up:', stack),
    ...(safetySet === null ? [] : [`The state before is set ${safetySet}; to return to it: timetiles restore ${safetySet}`]),
    restarted.length > 0 ? `Running again: ${restarted.join(', ')}` : startAdvice(report.composeDirectory),
  ];
  return {text: lines.join('\n'), json: report, exitCode: state === 'done' ? exitCodes.done : exitCodes.failed};
}

function startAdvice(directory: string | null): string {
  const where = directory === null ? 'in the directory of its compose file' : `with its compose file in place: cd ${shellWord(directory)} &&`;
  return `Now start the app, ${where} docker compose up -d${directory === null ? '' : ' (it takes over the volumes and replaces the container that was made)'}`;
}

/** `makes the volume x` of a plan is `made the volume x` afterwards. */
function inThePast(line: string): string {
  return line.replace(/^makes /, 'made ').replace(/^starts /, 'started ');
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];
}

function seconds(value: number): string {
  return `${value.toFixed(1)}s`;
}

/** `--dry-run`. */
export function renderDrPlan(plan: DrPlan, options: DrPlanOptions): Rendered {
  const {found, homes, settings, live, warnings} = plan;
  const lines = describeDrPlan(plan, options);
  const json = {
    state: 'planned',
    place: found.place,
    hosts: found.hosts,
    host: found.host,
    set: found.set.id,
    missing: homes.flatMap(({home}) => home.missing),
    settings,
    live,
    plan: lines,
    warnings,
  };
  return {text: [...lines, ...warnings.map((warning) => `warning: ${warning}`), 'Nothing was changed (--dry-run).'].join('\n'), json};
}
