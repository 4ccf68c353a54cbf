import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from '@swc/core';

const METHODS = new Set(['Get', 'Put', 'Post', 'Delete']);

/**
 * What answers a request: a method of a controller.
 *
 * @typedef {{ method: string, path: string, name: string, file: string, links: string[] }} Handler
 */

/**
 * Every handler of every service, from the decorators of their controllers.
 *
 * @param {string} root
 * @returns {Handler[]}
 */
export function findHandlers(root) {
  const files = globSync('services/*/src/**/*.controller.ts', { cwd: root }).sort();
  return files.flatMap((file) => handlersOf(readFileSync(join(root, file), 'utf8'), file));
}

/** @param {string} source @param {string} file @returns {Handler[]} */
export function handlersOf(source, file) {
  const { body } = parseSync(source, { syntax: 'typescript', decorators: true, target: 'es2024' });
  const constants = constantsOf(body);
  const classes = body.map(({ declaration }) => declaration).filter((it) => it?.type === 'ClassDeclaration');
  return classes.flatMap(({ decorators, body: members }) => {
    const controller = callsOf(decorators).find(({ name }) => name === 'Controller');
    if (controller === undefined) return [];
    const bases = textsOf(controller.argument, constants) ?? [];
    return members
      .filter(({ type }) => type === 'ClassMethod')
      .flatMap((member) => {
        const name = member.key.value;
        const links = linksBefore(source, name);
        return callsOf(member.function.decorators)
          .filter((call) => METHODS.has(call.name))
          .flatMap(({ name: method, argument }) =>
            bases.flatMap((base) =>
              (textsOf(argument, constants) ?? []).map((end) => ({
                ...{ method: method.toUpperCase(), path: joined(base, end), name, file, links },
              })),
            ),
          );
      });
  });
}

/** The links in the comment right above a method: it is found by the path that the specification gives it. */
function linksBefore(source, name) {
  const at = source.search(new RegExp(`^ +(?:async )?${name}\\(`, 'm'));
  const before = source.slice(0, at);
  const comment = before.slice(Math.max(before.lastIndexOf('\n\n'), before.lastIndexOf('{\n')));
  return comment.match(/https:\/\/spec\.matrix\.org\/\S+/g) ?? [];
}

function callsOf(decorators = []) {
  return decorators
    .map(({ expression }) => expression)
    .filter(({ type }) => type === 'CallExpression')
    .map(({ callee, arguments: args }) => ({ name: callee.value, argument: args[0]?.expression }));
}

/** Texts that the file names itself. */
function constantsOf(body) {
  const declarations = body.flatMap((item) => (item.type === 'VariableDeclaration' ? item.declarations : []));
  return new Map(declarations.map(({ id, init }) => [id.value, init]));
}

/** The texts that an argument stands for; undefined when it is worked out elsewhere. */
function textsOf(argument, constants) {
  switch (argument?.type) {
    case undefined:
      return [''];
    case 'StringLiteral':
      return [argument.value];
    case 'ArrayExpression':
      return argument.elements.flatMap(({ expression }) => textsOf(expression, constants) ?? []);
    case 'Identifier':
      return constants.has(argument.value) ? textsOf(constants.get(argument.value), constants) : undefined;
    default:
      return undefined;
  }
}

function joined(base, end) {
  return `/${[base, end]
    .flatMap((part) => part.split('/'))
    .filter(Boolean)
    .join('/')}`;
}
