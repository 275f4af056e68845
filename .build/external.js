/** What stays outside the bundle, and has to be in node_modules at run time: oclif must be the one that runs the commands; ssh2 has native parts; prompts and mail are seldom needed. */
export const externalPackages = ['@oclif/core', 'ssh2', '@clack/prompts', 'nodemailer'];
