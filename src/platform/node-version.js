// JavaScript, as main.js is: a Node that is too old for the sources can read it.

const nodeMajorMin = 24;

/**
 * Why this Node cannot run the server; undefined when it can.
 *
 * @param {string} version as in `process.version`
 * @returns {string | undefined}
 */
export function problemOfNode(version = process.version) {
  if (Number.parseInt(version.slice(1), 10) >= nodeMajorMin) return undefined;
  return `needs Node.js ${nodeMajorMin} or later; this is ${version}. In a checkout "npm start" brings it along; in a project run "npm install node@${nodeMajorMin}", then start programs by npx: "npx node lobby.ts".`;
}
