import { builtinModules } from 'node:module';

/**
 * Takes from Node's own modules only what is used. An `import` of them makes Node read every export, and some are whole
 * subsystems that it would otherwise load when they are wanted: all of fetch for `http.WebSocket`.
 */
export const frugalBuiltins = {
  name: 'frugal-builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[a-z]/ }, ({ path, kind }) => {
      const name = path.replace(/^node:/, '');
      if (kind !== 'import-statement' || !builtinModules.includes(name)) return undefined;
      return { path: name, namespace: 'builtin', sideEffects: false };
    });
    onLoad({ filter: /^/, namespace: 'builtin' }, ({ path }) => ({ contents: pureExports(path) }));
  },
};

/** The module as constants, which are left out where nobody imports them. */
function pureExports(name) {
  const names = Object.getOwnPropertyNames(process.getBuiltinModule(name));
  const identifiers = names.filter((each) => /^[A-Za-z_]\w*$/.test(each) && each !== 'default');
  return `
const module = process.getBuiltinModule('${name}');
const read = (name) => module[name];
export default module;
${identifiers.map((each, i) => `const $${i} = /* @__PURE__ */ read('${each}'); export { $${i} as ${each} };`).join('\n')}
`;
}
