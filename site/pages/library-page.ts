/** What the package exports, with the comments of the sources. Read by syntax alone. */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';
import { projectFolder } from './documents.ts';
import { anchorOf, linkTo } from './links.ts';
import { codeBlock, escapeText } from './markdown.ts';

type ModuleExport = { readonly node: ts.Node; readonly source: ts.SourceFile };

const entries = [
  {
    page: 'reference/client.md',
    title: 'TypeScript client',
    name: 'openmpsd/client',
    file: 'src/client/multiplayer-service.ts',
  },
  {
    page: 'reference/testing.md',
    title: 'Test server',
    name: 'openmpsd/testing',
    file: 'src/testing/test-server.ts',
  },
  {
    page: 'reference/server.md',
    title: 'Server in a program',
    name: 'openmpsd',
    file: 'src/index.ts',
  },
];

/** One page for each entry of the package, by its path in the site. */
export async function librariesPages(): Promise<ReadonlyMap<string, string>> {
  return new Map(
    entries.map(({ page, title, name, file }) => {
      const exported = exportsOf(join(projectFolder, file));
      if (exported.size === 0) throw new Error(`${file} exports nothing.`);
      const beginning = commentAtTop(sourceOf(join(projectFolder, file)));
      return [page, pageOf(title, name, beginning, exported)];
    }),
  );
}

function pageOf(
  title: string,
  name: string,
  beginning: string,
  exported: ReadonlyMap<string, ModuleExport>,
): string {
  const named = [...exported].toSorted(([one], [other]) => one.localeCompare(other));
  const isType = ([, { node }]: (typeof named)[number]): boolean =>
    ts.isTypeAliasDeclaration(node) || ts.isInterfaceDeclaration(node);
  const values = named.filter((one) => !isType(one));
  // What one begins with comes first: the class that the page is about has the most members.
  values.sort(([, one], [, other]) => membersCount(other) - membersCount(one));
  return `---
outline: [2, 3]
---

# ${title}

\`\`\`ts
import { ${values
    .slice(0, 3)
    .map(([one]) => one)
    .join(', ')} } from '${name}';
\`\`\`

${beginning}

${values.map(([one, { node, source }]) => valueSection(one, node, source)).join('\n')}
## Types

${named
  .filter(isType)
  .map(([one, { node, source }]) => typeSection(one, node, source))
  .join('\n')}`;
}

function membersCount({ node }: ModuleExport): number {
  return ts.isClassDeclaration(node) ? node.members.length : 0;
}

const sources = new Map<string, ts.SourceFile>();

function sourceOf(file: string): ts.SourceFile {
  const known = sources.get(file);
  if (known !== undefined) return known;
  const text = readFileSync(file, 'utf8');
  const parsed = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  sources.set(file, parsed);
  return parsed;
}

function fileOf(specifier: ts.Expression | undefined, source: ts.SourceFile): string | undefined {
  if (specifier === undefined || !ts.isStringLiteral(specifier)) return undefined;
  const file = resolve(dirname(source.fileName), specifier.text);
  return specifier.text.startsWith('.') && existsSync(file) ? file : undefined;
}

/** What a file exports, its own and that of others, by name. */
function exportsOf(file: string): ReadonlyMap<string, ModuleExport> {
  const source = sourceOf(file);
  const found = new Map<string, ModuleExport>();
  for (const statement of source.statements) {
    if (ts.isExportDeclaration(statement)) {
      const from = fileOf(statement.moduleSpecifier, source);
      const clause = statement.exportClause;
      if (clause === undefined && from !== undefined) {
        for (const [name, one] of exportsOf(from)) found.set(name, one);
      }
      if (clause === undefined || !ts.isNamedExports(clause)) continue;
      for (const { name, propertyName } of clause.elements) {
        const original = (propertyName ?? name).text;
        const one =
          from === undefined ? importedAs(original, source) : exportsOf(from).get(original);
        if (one !== undefined) found.set(name.text, one);
      }
    } else if (isExported(statement)) {
      for (const name of namesOf(statement)) found.set(name, { node: statement, source });
    }
  }
  return found;
}

function importedAs(name: string, source: ts.SourceFile): ModuleExport | undefined {
  for (const statement of source.statements) {
    if (!ts.isImportDeclaration(statement)) continue;
    const bindings = statement.importClause?.namedBindings;
    if (bindings === undefined || !ts.isNamedImports(bindings)) continue;
    const binding = bindings.elements.find((one) => one.name.text === name);
    const from = fileOf(statement.moduleSpecifier, source);
    if (binding === undefined || from === undefined) continue;
    return exportsOf(from).get((binding.propertyName ?? binding.name).text);
  }
  return undefined;
}

function isExported(node: ts.Node): boolean {
  return (
    ts.canHaveModifiers(node) &&
    (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
  );
}

function namesOf(statement: ts.Statement): readonly string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map((one) => one.name.getText());
  }
  const { name } = statement as ts.DeclarationStatement;
  return name === undefined ? [] : [name.text];
}

function valueSection(name: string, node: ts.Node, source: ts.SourceFile): string {
  const head = `## ${name}\n\n${commentOf(node, source)}\n\n`;
  if (!ts.isClassDeclaration(node)) return `${head}${codeBlock('ts', signature(node, source))}`;
  const extended = node.heritageClauses?.map((one) => one.getText(source)).join(' ') ?? '';
  const titleOf = (member: ts.ClassElement): string =>
    ts.isConstructorDeclaration(member) ? 'constructor' : (member.name?.getText(source) ?? '');
  const byTitle = Map.groupBy(node.members.filter(isPublic), titleOf);
  const members = [...byTitle].map(([title, all]) => {
    // Of a method with several forms the last is the one that holds the code.
    const forms = all.length > 1 ? all.slice(0, -1) : all;
    const code = forms.map((form) => signature(form, source)).join('\n');
    const says = all.map((one) => commentOf(one, source)).filter((text) => text !== '');
    return `### ${escapeText(title)}\n\n${codeBlock('ts', code)}\n${says.join('\n\n')}\n`;
  });
  return `${head}${codeBlock('ts', `class ${name} ${extended}`)}\n${members.join('\n')}`;
}

function typeSection(name: string, node: ts.Node, source: ts.SourceFile): string {
  const text = node.getText(source).replace(/^export /, '');
  return `### ${name}\n\n${commentOf(node, source)}\n\n${codeBlock('ts', text)}`;
}

function isPublic(member: ts.ClassElement): boolean {
  if (ts.isClassStaticBlockDeclaration(member)) return false;
  if (member.name !== undefined && ts.isPrivateIdentifier(member.name)) return false;
  const modifiers = ts.canHaveModifiers(member) ? (ts.getModifiers(member) ?? []) : [];
  const isHidden = modifiers.some(
    ({ kind }) => kind === ts.SyntaxKind.PrivateKeyword || kind === ts.SyntaxKind.ProtectedKeyword,
  );
  return !isHidden && !ts.getJSDocTags(member).some(({ tagName }) => tagName.text === 'internal');
}

/** The text of a declaration without its comment and body. */
function signature(node: ts.Node, source: ts.SourceFile): string {
  const body = ts.isFunctionLike(node) && 'body' in node ? (node.body as ts.Node) : undefined;
  const text = source.text.slice(node.getStart(source), body?.getStart(source) ?? node.end);
  const indent = /[^\n]*$/.exec(source.text.slice(0, node.getStart(source)))?.[0].length ?? 0;
  return text
    .replace(/^export (?:async )?/, '')
    .replace(/^async /, '')
    .replaceAll(new RegExp(`^ {${indent}}`, 'gm'), '')
    .trimEnd();
}

function commentAtTop(source: ts.SourceFile): string {
  const [range] = ts.getLeadingCommentRanges(source.text, 0) ?? [];
  return range === undefined ? '' : proseOf(source.text.slice(range.pos, range.end));
}

function commentOf(node: ts.Node, source: ts.SourceFile): string {
  const ranges = ts.getLeadingCommentRanges(source.text, node.pos) ?? [];
  const last = ranges.filter(({ pos }) => source.text.startsWith('/**', pos)).at(-1);
  return last === undefined ? '' : proseOf(source.text.slice(last.pos, last.end));
}

/** A comment of the sources as Markdown. */
function proseOf(comment: string): string {
  const lines = comment
    .replace(/^\/\*\*/, '')
    .replace(/\*\/$/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trimEnd());
  const [text = '', ...tags] = lines.join('\n').trim().split(/^@/m);
  const parts = text.split(/\n{2,}/).map((part) => {
    const isCode = part.split('\n').every((line) => line.startsWith('    '));
    return isCode ? codeBlock('ts', part.replaceAll(/^ {4}/gm, '')) : escapeText(part);
  });
  return [...parts, ...tags.map(tagOf)].filter((part) => part.trim() !== '').join('\n\n');
}

function tagOf(text: string): string {
  const [, tag = '', rest = ''] = /^(\w+)\s*([\s\S]*)$/.exec(text.trim()) ?? [];
  if (tag === 'source') {
    const places = [...rest.matchAll(/(docs\/[\w/.-]+\.md) "([^"]+)"/g)].map(
      ([, file = '', heading = '']) => `[${heading}](${linkTo(file, `#${anchorOf(heading)}`)})`,
    );
    return `Known from: ${places.length > 0 ? places.join(', ') : escapeText(rest)}.`;
  }
  if (tag === 'param') {
    const [, name = '', says = ''] = /^(\w+)\s*([\s\S]*)$/.exec(rest) ?? [];
    return `\`${name}\`: ${escapeText(says)}`;
  }
  return `${tag}: ${escapeText(rest)}`;
}
