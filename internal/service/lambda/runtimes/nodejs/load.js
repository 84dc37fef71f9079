// Finding the handler: file.export, in a folder or not.

function isModuleFolder(folder) {
  if (folder.endsWith('/node_modules')) return false;
  const file = path.join(folder, 'package.json');
  if (fs.existsSync(file)) {
    try {
      return JSON.parse(fs.readFileSync(file, 'utf8'))?.type === 'module';
    } catch (e) {
      console.warn(`${file} cannot be read, it will be ignored for ES module detection purposes.`, e);
      return false;
    }
  }
  return folder === '/' ? false : isModuleFolder(path.resolve(folder, '..'));
}

const imports = (file) => import(url.pathToFileURL(file).href);

// ways are how files with an extension are loaded, in the order in which they are looked for.
function ways(base) {
  if (modern) return [['', imports], ['.js', imports], ['.mjs', imports], ['.cjs', imports]];
  const esm = fs.existsSync(base + '.js') && isModuleFolder(path.dirname(base));
  return [['', load], ['.js', esm ? imports : load], ['.mjs', imports], ['.cjs', load]];
}

async function loadModule(root, folder, name) {
  const base = path.resolve(root, folder, name);
  for (const [extension, way] of ways(base)) {
    const file = base + extension;
    if (fs.existsSync(file) && !(modern && fs.statSync(file).isDirectory())) return await way(file);
  }
  return load(load.resolve(name, { paths: [root, path.resolve(root, folder)] }));
}

async function loadHandler(root, full) {
  if (full.includes('..')) {
    throw new errors.MalformedHandlerName(`'${full}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  }
  const base = path.basename(full);
  const folder = full.substring(0, full.indexOf(base));
  const match = base.match(/^([^.]*)\.(.*)$/);
  if (!match) throw new errors.MalformedHandlerName('Bad handler');
  let app;
  try {
    app = await loadModule(root, folder, match[1]);
  } catch (e) {
    if (e instanceof SyntaxError) {
      const error = new errors.UserCodeSyntaxError(String(e));
      if (modern) error.stack = e.stack;
      throw error;
    }
    if (e?.code === 'MODULE_NOT_FOUND') throw new errors.ImportModuleError(String(e));
    throw e;
  }
  const find = (object) => match[2].split('.').reduce((inner, key) => inner && inner[key], object);
  const handler = find(app) || (modern && app?.default && find(app.default));
  if (!handler) throw new errors.HandlerNotFound(`${full} is undefined or not exported`);
  if (typeof handler !== 'function') throw new errors.HandlerNotFound(`${full} is not a function`);
  if (modern && handler.length >= 3 && !isStreaming(handler)) {
    throw new errors.CallbackHandlerDeprecated('ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later. For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.');
  }
  return handler;
}
