import { createHmac } from 'node:crypto';
import { SHARED_SECRET } from './deployment.js';
import { freshName, type HttpClient, type TestUser } from './http-client.js';

/** Somebody who may look after the accounts of others. */
export async function registerAdmin(http: HttpClient): Promise<TestUser> {
  const { nonce } = (await http.get('/_synapse/admin/v1/register')).body;
  const [username, password] = [freshName('admin'), 'secret of an admin'];
  const mac = createHmac('sha1', SHARED_SECRET).update([nonce, username, password, 'admin'].join('\0')).digest('hex');
  const { body } = await http.post('/_synapse/admin/v1/register', { nonce, username, password, mac, admin: true });
  return { userId: body.user_id, deviceId: body.device_id, token: body.access_token, password };
}
