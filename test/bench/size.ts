/** Whether only to see that every part runs: little data, one round, and ratios that mean nothing. */
export const isQuick = process.argv.includes('--quick');

/** This much data, or a hundredth of it. */
export function scaled(amount: number): number {
  return isQuick ? Math.ceil(amount / 100) : amount;
}
