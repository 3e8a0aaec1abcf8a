// How many segments each text takes, by npm's sms-segments-calculator: a JSON list of texts in, `ENCODING SEGMENTS` out,
// a line each. The argument is the folder that holds node_modules.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(`${process.argv[2]}/`);
const { SegmentedMessage } = require("sms-segments-calculator");
for (const text of JSON.parse(readFileSync(0, "utf8"))) {
  const message = new SegmentedMessage(text);
  console.log(message.encodingName, message.segmentsCount);
}
