import type { SchemaDefinition } from '@ganglion/database';

/** What is known of files; their bytes are in a byte store. */
export const mediaSchema: SchemaDefinition = {
  schema: 'media',
  version: 6,
  oldestCompatible: 1,
  migrations: [
    {
      version: 1,
      name: 'files',
      up: `
        -- What is stored, once for all files that have the same bytes. refs: how many they are.
        CREATE TABLE media.blobs (
          blob_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          sha256 bytea NOT NULL UNIQUE,
          store_key text NOT NULL UNIQUE,
          bytes bigint NOT NULL,
          refs bigint NOT NULL DEFAULT 1,
          created_at timestamptz NOT NULL DEFAULT now()
        );

        -- user_id: who uploaded it, of the files of our own servers. Without a blob it is yet to be uploaded, until expires_at.
        CREATE TABLE media.files (
          file_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          server_name text NOT NULL,
          media_id text NOT NULL,
          user_id text,
          content_type text NOT NULL DEFAULT 'application/octet-stream',
          upload_name text,
          blob_nid bigint REFERENCES media.blobs,
          authenticated_only boolean NOT NULL DEFAULT true,
          created_at timestamptz NOT NULL DEFAULT now(),
          uploaded_at timestamptz,
          expires_at timestamptz,
          UNIQUE (server_name, media_id)
        );
        CREATE INDEX files_of_user ON media.files (user_id, file_nid);
        CREATE INDEX files_of_blob ON media.files (blob_nid);
        CREATE INDEX files_to_come ON media.files (user_id) WHERE blob_nid IS NULL;
        CREATE INDEX files_unused ON media.files (expires_at) WHERE blob_nid IS NULL;

        -- Keys of the byte store that no row stands for. A condemned one is being removed, and can become nothing else.
        CREATE TABLE media.loose_keys (
          store_key text PRIMARY KEY,
          due_at timestamptz NOT NULL,
          condemned boolean NOT NULL DEFAULT false
        );
        CREATE INDEX loose_keys_due ON media.loose_keys (due_at);

        -- What the files of a user, or of all users of a server name, take together.
        CREATE TABLE media.usage (
          owner text PRIMARY KEY,
          bytes bigint NOT NULL,
          files bigint NOT NULL
        ) WITH (fillfactor = 70);
      `,
    },
    {
      version: 2,
      name: 'thumbnails',
      up: `
        -- What was made of an image. Without a key, the image itself is small enough to be its thumbnail.
        CREATE TABLE media.thumbnails (
          blob_nid bigint NOT NULL REFERENCES media.blobs,
          kind text NOT NULL,
          content_type text NOT NULL,
          store_key text UNIQUE,
          bytes bigint,
          sha256 bytea,
          created_at timestamptz NOT NULL DEFAULT now(),
          PRIMARY KEY (blob_nid, kind),
          CHECK ((store_key IS NULL) = (bytes IS NULL) AND (store_key IS NULL) = (sha256 IS NULL))
        );
      `,
    },
    {
      version: 3,
      name: 'moderation',
      up: `
        -- Bytes that nobody gets, under whatever name they are here or will be.
        CREATE TABLE media.quarantine (
          sha256 bytea PRIMARY KEY,
          quarantined_by text NOT NULL,
          quarantined_at timestamptz NOT NULL DEFAULT now()
        );

        -- protected: neither quarantined nor removed by age. last_access_at is about right.
        ALTER TABLE media.files
          ADD COLUMN protected boolean NOT NULL DEFAULT false,
          ADD COLUMN last_access_at timestamptz NOT NULL DEFAULT now();
        CREATE INDEX files_by_access ON media.files (last_access_at);

        -- What was done to which file by whom; kept when the file is gone.
        CREATE TABLE media.moderation_record (
          entry_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          recorded_at timestamptz NOT NULL DEFAULT now(),
          actor text NOT NULL,
          action text NOT NULL,
          reason text,
          server_name text NOT NULL,
          media_id text NOT NULL
        );
        CREATE INDEX moderation_record_of_file ON media.moderation_record (server_name, media_id);
      `,
    },
    {
      version: 4,
      name: 'previews',
      up: `
        -- What clients are told of a URL.
        CREATE TABLE media.previews (
          url_sha256 bytea PRIMARY KEY,
          answer json NOT NULL,
          fresh_until timestamptz NOT NULL
        );
        CREATE INDEX previews_by_age ON media.previews (fresh_until);

        -- Files of ours that were found elsewhere, for previews.
        CREATE TABLE media.preview_images (
          file_nid bigint PRIMARY KEY REFERENCES media.files ON DELETE CASCADE,
          remove_at timestamptz NOT NULL
        );
        CREATE INDEX preview_images_by_age ON media.preview_images (remove_at);
      `,
    },
    {
      version: 5,
      name: 'quarantine by name',
      up: `
        -- Files that nobody gets, whatever bytes they have and whether they are here. sha256: of the bytes that they had.
        CREATE TABLE media.quarantined_names (
          server_name text NOT NULL,
          media_id text NOT NULL,
          sha256 bytea,
          quarantined_by text NOT NULL,
          quarantined_at timestamptz NOT NULL DEFAULT now(),
          PRIMARY KEY (server_name, media_id)
        );
        CREATE INDEX quarantined_names_by_hash ON media.quarantined_names (sha256);
      `,
    },
    {
      version: 6,
      name: 'checksums',
      up: `
        -- What readers compare bytes with; null for what was stored before, which is compared with its hash.
        ALTER TABLE media.blobs ADD COLUMN crc32 bigint;
      `,
    },
  ],
};
