// All that a user reads and that is not in the HTML. No message may reveal whether an account exists: an unknown user, a
// disabled one and a wrong password get the same. A message has at most two short lines, for which the page has room.

// Each view's title, and the text below it until there is a message.
export const views = {
  "sign-in": { title: "Sign in", intro: "Use the email and password that you already have." },
  "forgot": {
    title: "Forgot your password?",
    intro: "In our new system you may need a new password. We email you a code.",
  },
  "reset": { title: "Set a new password", intro: "Enter the code from our email to you, and a new password." },
  "account": {},
};

export const welcome = (name) => `Welcome, ${name}`;

export const news = {
  codeSent: (to) => `We sent a code to ${to}, if that address has an account.`,
  mustReset: "Set a new password once. No code yet? Choose “Send a new code”.",
  passwordSet: "Your new password is set, and you are signed in.",
  signInAgain: "Your new password is set. Please sign in with it.",
  signedOut: "You are signed out.",
  copying: "We are still copying your projects. You can start: they appear here.",
  copyingLong: "Copying your projects takes longer than usual. Please look again later.",
  copied: "All your projects are here.",
};

export const missing = (rules) => `Still missing: ${rules.join(", ")}`;
export const noneMissing = "The password meets all rules";

export const sendAgain = (seconds) => seconds > 0 ? `Send a new code (${seconds} s)` : "Send a new code";

// The message for each of Cognito's error codes, by form.

const tooOften = { text: "There were too many attempts. Wait up to an hour and try again." };

// A trigger could not decide, or not in time. Nothing was written, and trying again helps.
const moving = { text: "Our new system is busy just now. Please try again in a moment." };

const everywhere = {
  Unreachable: { text: "Spaceport cannot be reached. Check your connection and try again." },
  LimitExceededException: tooOften,
  TooManyFailedAttemptsException: tooOften,
  TooManyRequestsException: { text: "Many users are signing in just now. Please try again in a moment." },
  UserLambdaValidationException: moving,
  UnexpectedLambdaException: moving,
  InvalidLambdaResponseException: moving,
  InvalidParameterException: { text: "Something that you entered cannot be used. Check it and try again." },
};

// Cognito's answer to a wrong password, to too many of them, and to a forced reset if user existence errors are hidden. So
// the message offers a step that helps in all three cases ("Managing user existence error responses", "Lockout behavior
// for failed sign-in attempts").
const wrongSignIn = { text: "Email and password do not match.", about: "sign-in-password", offer: views.forgot.title };

// An unknown user's code is always wrong, a user's may also have expired. So both get the same message.
const wrongCode = { text: "That code is wrong or has expired. Use the code from our newest email.", about: "reset-code" };

const weakPassword = { text: "That password does not meet the rules. Choose another one.", about: "reset-password" };

const byForm = {
  "sign-in": {
    NotAuthorizedException: wrongSignIn,
    UserNotFoundException: wrongSignIn,
    UserNotConfirmedException: wrongSignIn,
    // A challenge, such as NEW_PASSWORD_REQUIRED or SOFTWARE_TOKEN_MFA, needs a step that this page does not have.
    Challenge: { text: "Your account needs another step. Please contact support." },
    SessionEnded: { text: "Your session has ended. Please sign in again." },
  },
  "forgot": {
    CodeDeliveryFailureException: { text: "Your code could not be sent. Please try again in a moment." },
  },
  "reset": {
    CodeMismatchException: wrongCode,
    UserNotFoundException: wrongCode,
    NotAuthorizedException: wrongCode,
    ExpiredCodeException: wrongCode,
    InvalidPasswordException: weakPassword,
    PasswordHistoryPolicyViolationException: { text: "You have used that password before. Choose another one.", about: "reset-password" },
  },
};

// inWords returns { text, about, offer }: the message, the id of the field that it is about, if any, and the name of a link
// to "forgot password" if a new password may help.
export function inWords(form, code) {
  return byForm[form][code] ?? everywhere[code] ?? { text: "Something went wrong on our side. Please try again in a moment." };
}
