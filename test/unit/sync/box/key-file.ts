import { generateKeyPairSync } from 'node:crypto';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

export const PASSPHRASE = 'open sesame';
export { publicKey };

/** A key file as Box's console downloads it. */
export function keyFile() {
  return {
    boxAppSettings: {
      clientID: 'client0123456789',
      clientSecret: 'secret-of-the-application',
      appAuth: {
        publicKeyID: 'ab12cd34',
        privateKey: privateKey
          .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSPHRASE })
          .toString(),
        passphrase: PASSPHRASE,
      },
    },
    enterpriseID: '424242',
  };
}
