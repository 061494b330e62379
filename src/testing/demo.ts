export { demoScid, demoTitleId } from '../config/demo-config.ts';
