/** Names in the built-in service configs, config/demo.json. */

export const demoScid = 'bd6c41c3-01c3-468a-a3b5-3e0fe8133862';

/** The title that test users play unless they say otherwise. */
export const demoTitleId = '1234567890';
