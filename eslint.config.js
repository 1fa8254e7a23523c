import { builtinModules } from 'node:module';
import tseslint from 'typescript-eslint';

const WHY = {
  time: 'A workflow is replayed: the clock would answer differently. Pass the time in, or take it from the workflow.',
  chance: 'A workflow is replayed: chance would fall differently. Pass the value in, or use uuid4 of the workflow.',
  timer: 'Timers belong to the server, so that they survive a restart: use sleep of @temporalio/workflow.',
  machine: 'The rules run inside the workflow sandbox, where no machine is: an activity does this.',
  locale: 'The data of Intl changes between Node versions, so a replay could differ: resolve it in an activity.',
  env: 'Settings have one door, which names every fault at once: read them in src/config.ts and pass Config on.',
};

const named = (names, message) => names.map((name) => ({ name, message }));
const methods = (object, names, message) => names.map((property) => ({ object, property, message }));
const syntax = (selectors, message) => selectors.map((selector) => ({ selector, message }));

const processEnv = syntax(
  [
    'MemberExpression[object.name="process"][property.name="env"]',
    'MemberExpression[object.name="process"][property.value="env"]',
    'VariableDeclarator[init.name="process"] > ObjectPattern > Property[key.name="env"]',
    'ImportDeclaration[source.value=/^(node:)?process$/] > ImportSpecifier[imported.name="env"]',
  ],
  WHY.env,
);

const deterministic = {
  files: ['workflows/**/*.ts', 'src/core/**/*.ts', 'src/contract.ts'],
  rules: {
    'no-restricted-globals': [
      'error',
      ...named(['performance'], WHY.time),
      ...named(
        ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'queueMicrotask'],
        WHY.timer,
      ),
      ...named(['crypto'], WHY.chance),
      ...named(['process', 'Buffer', 'global', 'require', '__dirname', '__filename'], WHY.machine),
      ...named(['fetch', 'WebSocket', 'Worker', 'console', 'WeakRef', 'FinalizationRegistry'], WHY.machine),
      ...named(['Intl'], WHY.locale),
    ],
    'no-restricted-properties': [
      'error',
      ...methods('Date', ['now'], WHY.time),
      ...methods('Math', ['random'], WHY.chance),
      ...['process', 'performance', 'crypto', 'fetch', 'console'].flatMap((name) =>
        methods('globalThis', [name], WHY.machine),
      ),
    ],
    'no-restricted-syntax': [
      'error',
      ...syntax(
        ['NewExpression[callee.name="Date"][arguments.length=0]', 'CallExpression[callee.name="Date"]'],
        WHY.time,
      ),
      ...syntax(
        [
          'CallExpression[callee.property.name=/^(toLocale(Lower|Upper)Case|toLocale(|Date|Time)String|localeCompare)$/]',
        ],
        WHY.locale,
      ),
    ],
    'no-restricted-imports': [
      'error',
      { patterns: [{ group: ['node:*', ...builtinModules, 'fs/*'], message: WHY.machine }] },
    ],
  },
};

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', 'out/', '.millrace/', 'python/', 'test/fixtures/commonjs-processors/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      // Activities and ports are asynchronous by contract, also where an implementation has nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      // Ports and handles are object literals whose methods use no `this`; taking one apart is safe.
      '@typescript-eslint/unbound-method': 'off',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-restricted-syntax': ['error', ...processEnv],
    },
  },
  // The command line's io.ts takes the process apart once, for tests to replace it: it hands the environment to config.ts.
  {
    files: ['src/config.ts', 'src/cli/io.ts', 'test/**/*.ts', 'bench/**/*.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: ['test/**/*.ts'],
    // Matchers such as expect.any() and parsed answers are `any`; what they hold is what the test asserts.
    rules: { '@typescript-eslint/no-unsafe-assignment': 'off', '@typescript-eslint/no-unsafe-argument': 'off' },
  },
  deterministic,
);
