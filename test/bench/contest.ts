import {median, type Measured} from './measure.ts';
import {isQuick} from './size.ts';

/** One line of the table. */
interface Row {
  what: string;
  bare: string;
  tool: string;
  ratio: number;
  limit: number;
}

export const rows: Row[] = [];

interface Contest {
  /** Before every single run, outside of its time. */
  prepare?: () => Promise<void>;
  bare: () => Promise<Measured>;
  tool: () => Promise<Measured>;
}

/** One round to warm up, then so many in turns; medians. */
export async function compare(what: string, limit: number, count: number, contest: Contest): Promise<void> {
  const bare: number[] = [];
  const tool: number[] = [];
  for (let round = 0; round <= (isQuick ? 1 : count); round += 1) {
    for (const [run, seconds] of [[contest.bare, bare], [contest.tool, tool]] as const) {
      await contest.prepare?.();
      const measured = await run();
      if (round > 0) seconds.push(measured.seconds);
    }
  }
  const [a, b] = [median(bare), median(tool)];
  rows.push({what, bare: `${a.toFixed(3)} s`, tool: `${b.toFixed(3)} s`, ratio: b / a, limit});
  console.log(`${what}: ${bare.map((value) => value.toFixed(2)).join(' ')} | ${tool.map((value) => value.toFixed(2)).join(' ')}`);
}

export function megabytes(mebibytes: number): string {
  return `${((mebibytes * 1048576) / 1e6).toFixed(0)} MB`;
}

/**
 * Shows every row there is, also where a part failed.
 * @returns whether all limits hold
 */
export function report(): boolean {
  console.log('\n| what | bare | timetiles | ratio | limit |\n|---|---|---|---|---|');
  for (const {what, bare, tool, ratio, limit} of rows) console.log(`| ${what} | ${bare} | ${tool} | ${ratio.toFixed(2)} | ${limit} |`);
  const broken = rows.filter(({ratio, limit}) => ratio > limit);
  if (broken.length > 0) console.error(`\n${broken.length} of ${rows.length} limits are broken.`);
  return broken.length === 0;
}
