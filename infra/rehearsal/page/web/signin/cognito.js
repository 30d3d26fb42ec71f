// Cognito's API as any web client calls it: JSON over HTTP, unsigned. Chapters named here are those of the Amazon Cognito
// developer guide.

// CognitoError has the code on which a caller decides. Cognito's own text is for developers and is never shown.
export class CognitoError extends Error {
  constructor(code, text) {
    super(`${code}: ${text}`);
    this.code = code;
  }
}

// Unreachable is the code if no answer came.
export const Unreachable = "Unreachable";

// reached returns an answer, or throws Unreachable if none came.
export async function reached(answer) {
  try {
    return await answer;
  } catch (error) {
    throw new CognitoError(Unreachable, error.message);
  }
}

// A trigger has 5 seconds, and Cognito calls it up to three times ("Customizing user pool workflows with Lambda triggers").
const patience = 30_000;

export function userPool({ endpoint, clientId }) {
  const call = (operation, input) => post(endpoint, operation, { ClientId: clientId, ...input });
  return {
    // signIn returns { accessToken, refreshToken }, or { challenge } if Cognito requires more than a password.
    async signIn(email, password) {
      const answer = await call("InitiateAuth", {
        // The migration needs this flow: the trigger needs the password, which SRP does not send to Cognito ("Importing
        // users with a user migration Lambda trigger"). After the migration, return to SRP.
        AuthFlow: "USER_PASSWORD_AUTH",
        AuthParameters: { USERNAME: email, PASSWORD: password },
      });
      const tokens = answer.AuthenticationResult;
      return tokens ? { accessToken: tokens.AccessToken, refreshToken: tokens.RefreshToken } : { challenge: answer.ChallengeName };
    },

    // forgotPassword requests a code and returns the masked address. For an unknown user it returns one too, and nothing is
    // sent ("Managing user existence error responses").
    async forgotPassword(email) {
      const answer = await call("ForgotPassword", { Username: email });
      return answer.CodeDeliveryDetails?.Destination;
    },

    async confirmForgotPassword(email, code, password) {
      await call("ConfirmForgotPassword", { Username: email, ConfirmationCode: code, Password: password });
    },

    // signOut ends this session and no other of the same user ("Ending user sessions with token revocation").
    async signOut(refreshToken) {
      await call("RevokeToken", { Token: refreshToken });
    },
  };
}

async function post(endpoint, operation, input) {
  const request = {
    method: "POST",
    headers: {
      "Content-Type": "application/x-amz-json-1.1",
      "X-Amz-Target": `AWSCognitoIdentityProviderService.${operation}`,
    },
    body: JSON.stringify(input),
    signal: AbortSignal.timeout(patience),
  };
  const response = await reached(fetch(endpoint, request));
  const answer = parse(await reached(response.text()));
  if (!response.ok) {
    const code = answer.__type ?? `Http${response.status}`;
    throw new CognitoError(code.slice(code.lastIndexOf("#") + 1), answer.message);
  }
  return answer;
}

// parse returns an answer without fields for a body that is not JSON, such as an empty one or a proxy's error page.
function parse(body) {
  try {
    return JSON.parse(body) ?? {};
  } catch {
    return {};
  }
}
