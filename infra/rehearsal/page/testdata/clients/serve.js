// What the document's lines call, and what a test asks an app for.
let shown = "";
let runs = 0;
globalThis.showResetForm = (email) => { shown = `reset form: ${email}`; };
globalThis.offerForgotPassword = (email) => { shown = `forgot password: ${email}`; };

// signIn runs the document's lines once, and returns what they showed or threw.
async function signIn(email, password) {
  shown = "";
  Object.assign(globalThis, { email, password });
  try {
    const again = `./README.js?${runs++}`; // a module runs once for each address
    await import(again);
  } catch (error) {
    return `threw ${error.name}`;
  }
  return shown;
}

export const serve = (app) => { globalThis.app = { ...app, signIn }; };
