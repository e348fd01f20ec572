export { FastjsonMap } from './fastjson-map.js';
export { parseFastjson } from './fastjson-parse.js';
export { encodeFastjson, stringifyFastjson, type FastjsonWriteOptions } from './fastjson-stringify.js';
