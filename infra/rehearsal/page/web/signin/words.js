// The message for each of Cognito's error codes, by form. No message may reveal whether an account exists: an unknown user,
// a disabled one and a wrong password get the same.

const tooOften = { text: "There were too many attempts. Wait a while, up to an hour, and try again." };

// A trigger could not decide, or not in time. Nothing was written, and trying again helps.
const moving = { text: "We are moving to a new system, which is busy just now. Please try again in a moment." };

const everywhere = {
  Unreachable: { text: "Spaceport cannot be reached just now. Check your connection and try again." },
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
const wrongSignIn = {
  text: "Email and password do not match. Check both and try again, or choose “Forgot your password?” to set a new one. "
    + "We have moved to a new system, so you may have to set a new password once.",
  about: "sign-in-password",
  offersReset: true,
};

// An unknown user's code is always wrong, a user's may also have expired. So both get the same message.
const wrongCode = {
  text: "That code is wrong or has expired. Enter the code from our newest email, or choose “Send a new code”.",
  about: "reset-code",
};

const byForm = {
  "sign-in": {
    NotAuthorizedException: wrongSignIn,
    UserNotFoundException: wrongSignIn,
    UserNotConfirmedException: wrongSignIn,
  },
  "forgot": {
    CodeDeliveryFailureException: { text: "The email with your code could not be sent. Please try again in a moment." },
  },
  "reset": {
    CodeMismatchException: wrongCode,
    UserNotFoundException: wrongCode,
    NotAuthorizedException: wrongCode,
    ExpiredCodeException: wrongCode,
    InvalidPasswordException: { text: "That password does not meet the rules. Choose another one.", about: "reset-password" },
    PasswordHistoryPolicyViolationException: { text: "You have used that password before. Choose another one.", about: "reset-password" },
  },
};

// inWords returns { text, about, offersReset }: the message, the id of the field that it is about, if any, and whether a new
// password may help.
export function inWords(form, code) {
  return byForm[form][code] ?? everywhere[code] ?? { text: "Something went wrong on our side. Please try again in a moment." };
}

// A challenge, such as NEW_PASSWORD_REQUIRED or SOFTWARE_TOKEN_MFA, needs a step that this page does not have.
export const challengeInWords =
  "Your password is correct, but your account needs another step that this page does not support. Please contact support.";
