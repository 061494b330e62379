import { runCommand } from '../../src/cli/command.ts';
import type { CommandIo } from '../../src/cli/command-io.ts';
import { codeBlock } from './markdown.ts';

/** What a command prints of itself. */
async function helpOf(...args: readonly string[]): Promise<string> {
  let printed = '';
  const output = {
    write: (text: string) => {
      printed += text;
      return true;
    },
  };
  const io = { ...process, env: {}, stdout: output, stderr: output } as unknown as CommandIo;
  const code = await runCommand([...args, '--help'], io);
  if (code !== 0)
    throw new Error(`openmpsd ${args.join(' ')} --help ended with ${code}: ${printed}`);
  return printed;
}

/** Every command, as its own help says it. */
export async function commandsPage(): Promise<string> {
  const names = [...(await helpOf()).matchAll(/^ {2}openmpsd ([a-z][\w-]*) +(.+)$/gm)];
  const sections: string[] = [];
  for (const [, name = '', summary = ''] of names) {
    if (sections.some((section) => section.startsWith(`## ${name}\n`))) continue;
    // Settings have a page of their own.
    const help =
      name === 'serve'
        ? 'Its options are the [settings](/reference/settings.md).\n'
        : codeBlock('text', await helpOf(name));
    const sentence = `${summary.slice(0, 1).toUpperCase()}${summary.slice(1)}.`;
    sections.push(`## ${name}\n\n${sentence}\n\n${help}`);
  }
  if (sections.length < 10) throw new Error('The help lists hardly any commands.');
  return `# Commands

\`openmpsd <command> --help\` prints what is here. In a checkout: \`npm run openmpsd -- <command>\`.

${sections.join('\n')}`;
}
