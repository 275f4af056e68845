import type {S3Client} from '../../offsite/s3/client.ts';
import type {Context} from '../context.ts';
import {offsiteError} from './explain.ts';
import {connectS3, type S3Target} from './target.ts';

/** Works with a connection of its own, which is closed afterwards. @throws TimetilesError with the advice that fits, for whatever the service refuses */
export async function withS3<Result>(context: Context, target: S3Target, work: (client: S3Client) => Promise<Result>): Promise<Result> {
  const client = connectS3(context, target);
  try {
    return await work(client);
  } catch (error) {
    context.signal.throwIfAborted();
    throw offsiteError(error, target);
  } finally {
    client.close();
  }
}
