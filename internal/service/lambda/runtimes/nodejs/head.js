// The runtime of Node.js functions: it speaks the Lambda Runtime API and calls the handler.
//
// The files of this directory are run as one, /var/runtime/index.cjs, since a CommonJS program starts faster than a module,
// and one file faster than many. Two sets of habits are AWS's: up to Node.js 22 callbacks and the event loop decide when an
// invocation is over, since Node.js 24 (modern) the handler's promise alone.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const util = require('node:util');
const url = require('node:url');

const env = process.env;
const modern = parseInt(/nodejs(\d+)/.exec(env.AWS_EXECUTION_ENV)?.[1] ?? process.versions.node, 10) >= 24;

// load requires for the function. The name is what AWS's runtime is called in errors.
const load = require('node:module').createRequire(path.join(env.LAMBDA_RUNTIME_DIR || '/var/runtime', 'index.mjs'));
