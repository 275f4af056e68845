/** A value as a line of the configuration takes it back, in quotes that need no escapes if there are such. Pure. */
export function quoteValue(value: string): string {
  if (!/["\\$\n\r]/.test(value)) return `"${value}"`;
  if (!value.includes("'") && !value.endsWith('\\')) return `'${value}'`;
  if (!value.includes('`')) return `\`${value}\``;
  return `"${value.replace(/["\\$]/g, '\\$&')}"`;
}
